package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A picture is never so high or wide that the terminal scrolls: that would leave its upper lines above the next one.
func TestPictureStaysInPlace(t *testing.T) {
	const picture = "one\ntwo and more\nthree\nfour\n"
	for _, tt := range []struct {
		name   string
		screen terminal
		want   []string
	}{
		{"large", terminal{80, 24}, []string{"one", "two and more", "three", "four"}},
		{"just high enough", terminal{80, 5}, []string{"one", "two and more", "three", "four"}},
		{"too low", terminal{80, 4}, []string{"one", "two and more", "... and 2 more lines"}},
		{"too narrow", terminal{8, 24}, []string{"one", "two and ", "more", "three", "four"}},
		{"both", terminal{8, 4}, []string{"one", "two and ", "... and 3 more lines"}},
		{"of no known size", terminal{}, []string{"one", "two and more", "three", "four"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for first, clear := range map[bool]string{true: "\x1b[2J", false: ""} {
				want := clear + "\x1b[?7l\x1b[H" + strings.Join(tt.want, "\x1b[K\n") + "\x1b[K\n\x1b[J\x1b[?7h"
				if diff := cmp.Diff(want, tt.screen.inPlace(picture, first)); diff != "" {
					t.Errorf("first: %v (-want +got):\n%s", first, diff)
				}
			}
		})
	}
}
