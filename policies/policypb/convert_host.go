package policypb

import (
	"errors"
	"fmt"

	"durward/policies"
)

// EncodeRecord gives the message of a record.
func EncodeRecord(r policies.Record) *Record {
	return &Record{Key: r.Key, Value: r.Value, Version: r.Version, Expires: encodeTime(r.Expires)}
}

// DecodeRecord reads a record. One without key or version is malformed.
func DecodeRecord(m *Record) (policies.Record, error) {
	if m.GetKey() == "" || m.GetVersion() <= 0 {
		return policies.Record{}, errors.New("decode record: key or version is missing")
	}
	return policies.Record{
		Key: m.GetKey(), Value: m.GetValue(), Version: m.GetVersion(), Expires: decodeTime(m.GetExpires()),
	}, nil
}

// EncodeChange gives the message of a change, or an error if it is beyond the limits of a Store.
func EncodeChange(c policies.Change) (*Change, error) {
	if err := checkChange(c); err != nil {
		return nil, fmt.Errorf("encode change: %w", err)
	}
	return &Change{
		Puts: each(c.Puts, func(p policies.Put) *Put {
			return &Put{Key: p.Key, Value: p.Value, Expect: p.Expect, Expires: encodeTime(p.Expires)}
		}),
		Deletes: each(c.Deletes, func(d policies.Delete) *Delete {
			return &Delete{Key: d.Key, Expect: d.Expect}
		}),
		Purge: c.Purge,
	}, nil
}

// DecodeChange reads a change. Keys, expected versions and sizes are checked, and that every put has an expiry; what the
// change means is the Store's to judge.
func DecodeChange(m *Change) (policies.Change, error) {
	c := policies.Change{
		Puts: each(m.GetPuts(), func(p *Put) policies.Put {
			return policies.Put{
				Key: p.GetKey(), Value: p.GetValue(), Expect: p.GetExpect(), Expires: decodeTime(p.GetExpires()),
			}
		}),
		Deletes: each(m.GetDeletes(), func(d *Delete) policies.Delete {
			return policies.Delete{Key: d.GetKey(), Expect: d.GetExpect()}
		}),
		Purge: m.GetPurge(),
	}
	if err := checkChange(c); err != nil {
		return policies.Change{}, fmt.Errorf("decode change: %w", err)
	}
	return c, nil
}

func checkChange(c policies.Change) error {
	if n := len(c.Puts) + len(c.Deletes); n > policies.MaxChanges {
		return fmt.Errorf("%d puts and deletes, more than %d", n, policies.MaxChanges)
	}
	for _, p := range c.Puts {
		if err := CheckKey(p.Key); err != nil {
			return err
		}
		if len(p.Value) > policies.MaxValue {
			return fmt.Errorf("value has %d bytes, more than %d", len(p.Value), policies.MaxValue)
		}
		if p.Expect < 0 {
			return errors.New("put expects a negative version")
		}
		if p.Expires.IsZero() {
			return errors.New("put has no expiry")
		}
	}
	for _, d := range c.Deletes {
		if err := CheckKey(d.Key); err != nil {
			return err
		}
		if d.Expect <= 0 {
			return errors.New("delete expects no version")
		}
	}
	for _, tag := range c.Purge {
		if tag == "" || len(tag) > MaxTag {
			return fmt.Errorf("a tag is empty or longer than %d bytes", MaxTag)
		}
	}
	return nil
}

// CheckKey answers an error if key is not 1 to MaxKey bytes of printable ASCII. The error does not quote it.
func CheckKey(key string) error {
	if key == "" || len(key) > policies.MaxKey {
		return fmt.Errorf("key has %d bytes, not 1 to %d", len(key), policies.MaxKey)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return errors.New("key is not printable ASCII")
		}
	}
	return nil
}

// EncodeEvent gives the message of an audit event, written while the host's call requestID was served. Its texts may
// stem from requests: they are made UTF-8 and cut, so that no client can keep an event from being written.
func EncodeEvent(e policies.Event, requestID string) *Event {
	return &Event{
		Name:       text(e.Name),
		Outcome:    text(e.Outcome),
		Issuer:     text(e.Issuer),
		Subject:    text(e.Subject),
		Client:     text(e.Client),
		ClientHost: text(e.ClientHost),
		Grant:      text(e.Grant),
		Resource:   text(e.Resource),
		Scope:      text(e.Scope),
		Address:    text(e.Address),
		Reason:     text(e.Reason),
		RequestId:  text(requestID),
	}
}

// DecodeEvent reads an audit event and the id of the request it belongs to. An event without a name or with another
// outcome than "success" or "refused" is malformed.
func DecodeEvent(m *Event) (policies.Event, string, error) {
	e := policies.Event{
		Name:       m.GetName(),
		Outcome:    m.GetOutcome(),
		Issuer:     m.GetIssuer(),
		Subject:    m.GetSubject(),
		Client:     m.GetClient(),
		ClientHost: m.GetClientHost(),
		Grant:      m.GetGrant(),
		Resource:   m.GetResource(),
		Scope:      m.GetScope(),
		Address:    m.GetAddress(),
		Reason:     m.GetReason(),
	}
	if e.Name == "" {
		return policies.Event{}, "", errors.New("decode event: name is missing")
	}
	if e.Outcome != "success" && e.Outcome != "refused" {
		return policies.Event{}, "", errors.New("decode event: unknown outcome")
	}
	err := checkTexts(e.Name, e.Issuer, e.Subject, e.Client, e.ClientHost, e.Grant, e.Resource, e.Scope, e.Address,
		e.Reason, m.GetRequestId())
	if err != nil {
		return policies.Event{}, "", fmt.Errorf("decode event: %w", err)
	}
	return e, m.GetRequestId(), nil
}
