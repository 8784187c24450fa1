-- +goose Up

-- A record of a policy. Times are Unix nanoseconds by the host's clock. The value is sealed. Keys are compared byte by
-- byte, which is SQLite's default; on PostgreSQL the column says COLLATE "C", and BLOB is BYTEA.
CREATE TABLE records (
    policy     TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    value      BLOB   NOT NULL,
    version    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (policy, key)
);
CREATE INDEX records_expiry ON records (expires_at);

-- What ended cached decisions: one sequence number for each change that purges, one row for each of its tags.
CREATE TABLE purges (
    seq       BIGINT NOT NULL,
    policy    TEXT   NOT NULL,
    tag       TEXT   NOT NULL,
    purged_at BIGINT NOT NULL,
    PRIMARY KEY (seq, tag)
);
CREATE INDEX purges_time ON purges (purged_at);

-- Counters that only ever grow. A transaction that counts holds the row until it ends, so the order of the numbers is
-- the order of the commits.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('version', 0), ('purge', 0);

-- What the store knows of itself: 'seal' holds a known text, sealed with the key that the values are sealed with.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
