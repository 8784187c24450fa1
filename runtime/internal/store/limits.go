package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"durward/policies"
)

// maxList is how many records one List may ask for.
const maxList = 1000

// latest is about the last time whose nanoseconds an int64 can count.
func latest() time.Time { return time.Date(2262, time.January, 1, 0, 0, 0, 0, time.UTC) }

// checkKey refuses what is no key. The texts name no key: a key may be built from what a client sent.
func checkKey(key string) error {
	if len(key) > policies.MaxKey {
		return fmt.Errorf("key has more than %d bytes", policies.MaxKey)
	}
	if !printable(key) {
		return errors.New("key is not printable ASCII")
	}
	if kind, rest, ok := strings.Cut(key, "/"); !ok || kind == "" || rest == "" {
		return errors.New(`key is not of the form "kind/rest"`)
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func checkList(prefix, after string, limit int) error {
	if limit < 1 || limit > maxList {
		return fmt.Errorf("limit is not 1 to %d", maxList)
	}
	if len(prefix) > policies.MaxKey || len(after) > policies.MaxKey {
		return fmt.Errorf("key has more than %d bytes", policies.MaxKey)
	}
	if !printable(prefix) || !printable(after) {
		return errors.New("key is not printable ASCII")
	}
	return nil
}

// checkChange refuses a change that breaks a limit, that is in doubt about a key, or that writes what is past already.
func checkChange(change policies.Change, now time.Time) error {
	if n := len(change.Puts) + len(change.Deletes); n > policies.MaxChanges {
		return fmt.Errorf("%d puts and deletes are more than %d", n, policies.MaxChanges)
	}
	seen := make(map[string]bool, len(change.Puts)+len(change.Deletes))
	once := func(key string) error {
		if seen[key] {
			return errors.New("a key is named twice")
		}
		seen[key] = true
		return checkKey(key)
	}
	for _, put := range change.Puts {
		if err := once(put.Key); err != nil {
			return err
		}
		switch {
		case len(put.Value) > policies.MaxValue:
			return fmt.Errorf("value has more than %d bytes", policies.MaxValue)
		case put.Expect < 0:
			return errors.New("put expects a version below 0")
		case !put.Expires.After(now):
			return errors.New("put expires in the past")
		case put.Expires.After(latest()):
			return fmt.Errorf("put expires after %d", latest().Year())
		}
	}
	for _, del := range change.Deletes {
		if err := once(del.Key); err != nil {
			return err
		}
		if del.Expect < 1 {
			return errors.New("delete expects no version")
		}
	}
	return checkTags(change.Purge)
}

func checkTags(tags []string) error {
	if len(tags) > policies.MaxChanges {
		return fmt.Errorf("%d tags to purge are more than %d", len(tags), policies.MaxChanges)
	}
	for _, tag := range tags {
		if tag == "" || len(tag) > policies.MaxKey {
			return fmt.Errorf("tag to purge is empty or has more than %d bytes", policies.MaxKey)
		}
	}
	return nil
}
