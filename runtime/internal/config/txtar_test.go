package config

import (
	"bytes"
	"strings"
)

// archive is a file in the txtar format: a comment, then members, each after a line "-- name --".
type archive struct {
	comment []byte
	members []archiveMember
}

type archiveMember struct {
	name string
	data []byte
}

func parseArchive(data []byte) *archive {
	a := &archive{}
	into := &a.comment
	for line := range bytes.Lines(data) {
		name, opened := strings.CutPrefix(strings.TrimSpace(string(line)), "-- ")
		name, shut := strings.CutSuffix(name, " --")
		if opened && shut {
			a.members = append(a.members, archiveMember{name: name})
			into = &a.members[len(a.members)-1].data
			continue
		}
		*into = append(*into, line...)
	}
	return a
}

func (a *archive) format() []byte {
	out := bytes.Clone(a.comment)
	for _, m := range a.members {
		out = append(out, "-- "+m.name+" --\n"...)
		out = append(out, m.data...)
	}
	return out
}
