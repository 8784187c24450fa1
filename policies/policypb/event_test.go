package policypb

import (
	"reflect"
	"testing"

	"durward/policies"
)

// Every field of an event arrives, also one that is added later.
func TestEventFieldsThereAndBack(t *testing.T) {
	var want policies.Event
	fields := reflect.ValueOf(&want).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetString(fields.Type().Field(i).Name)
	}
	want.Outcome = "refused"
	got, id, err := DecodeEvent(wire(t, EncodeEvent(want, "req-1"), &Event{}))
	if err != nil || got != want || id != "req-1" {
		t.Errorf("%+v, %q, %v; want %+v", got, id, err, want)
	}
}
