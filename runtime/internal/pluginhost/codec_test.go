package pluginhost

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"durward/policies/policypb"
)

func TestG7_MessageOfAMillionItemsIsNotDecoded(t *testing.T) {
	const many = 1_000_000
	values := strings.Repeat("\x12\x00", many) // of one header
	cases := map[string]struct {
		data string
		into proto.Message
	}{
		"tags":            {strings.Repeat("\x3a\x00", many), new(policypb.Decision)},
		"puts":            {strings.Repeat("\x0a\x00", many), new(policypb.Change)},
		"headers":         {string(protowire.AppendBytes([]byte{0x12}, []byte(values))), new(policypb.HTTPResponse)},
		"unknown to us":   {strings.Repeat("\x7a\x00", many), new(policypb.GetRequest)},
		"numbers unknown": {strings.Repeat("\x78\x00", many), new(policypb.GetRequest)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data := mem.BufferSlice{mem.SliceBuffer(c.data)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := newCodec().Unmarshal(data, c.into)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, errFields) {
				t.Errorf("error = %v", err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
				t.Errorf("took %d bytes of memory for %d", took, data.Len())
			}
		})
	}
}

func TestCodecReadsWhatIsWithinBounds(t *testing.T) {
	tags := make([]string, maxFields-1)
	want := &policypb.Decision{Outcome: 1, Tags: tags}
	got := new(policypb.Decision)
	if err := newCodec().Unmarshal(encoded(t, want), got); err != nil || !proto.Equal(want, got) {
		t.Errorf("%d tags, %v", len(got.GetTags()), err)
	}
	want.Tags = append(want.Tags, "")
	if err := newCodec().Unmarshal(encoded(t, want), got); !errors.Is(err, errFields) {
		t.Errorf("one more: %v", err)
	}
	report := &policypb.Report{Vary: map[string]*policypb.Vary{"a": {Headers: []string{"b"}}}, Authenticates: true}
	read := new(policypb.Report)
	if err := newCodec().Unmarshal(encoded(t, report), read); err != nil || !proto.Equal(report, read) {
		t.Errorf("%v, %v", read, err)
	}
}

func TestCodecRefusesWhatIsMalformed(t *testing.T) {
	for name, data := range map[string]string{
		"half a tag": "\xff", "half a field": "\x0a\x05ab", "a wrong group": "\x0b\x14", "half a message within": "\x1a\x02\x0a\x05",
	} {
		if err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, new(policypb.Decision)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestG7_NeitherSideOfTheHostDecodesAMillionItems(t *testing.T) {
	h, _ := newHost(t, nil)
	spec := testSpec("first", self(t, "good"), `{}`)
	p := start(t, h, spec)
	_, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/many"})
	if err == nil || !strings.Contains(err.Error(), errFields.Error()) {
		t.Errorf("an answer of many fields: %v", err)
	}
	answer, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/many-purges"})
	if err != nil || !strings.Contains(string(answer.Body), errFields.Error()) {
		t.Errorf("a change of many tags: %s, %v", answer.Body, err)
	}
	if store, _ := spec.Store.(*memory); len(store.purged) > 0 {
		t.Errorf("%d tags were purged", len(store.purged))
	}
	if err := ask(t, p, "", patience); err != nil || p.Status().Restarts > 0 {
		t.Errorf("afterwards: %v, %+v", err, p.Status())
	}
}

func encoded(t *testing.T, m proto.Message) mem.BufferSlice {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}
}
