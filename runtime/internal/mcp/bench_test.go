package mcp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"durward/runtime/internal/mcp"
)

// BenchmarkRead compares Read with the least that encoding/json can do: finding method and name.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{300, 5000} {
		body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":%q,"list":[1,2,3]}}}`,
			strings.Repeat("words and more ", size/15))
		b.Run(fmt.Sprintf("scanner/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := mcp.Read(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("encoding-json/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var m struct {
					ID     json.RawMessage
					Method string
					Params struct{ Name string }
				}
				if err := json.Unmarshal(body, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
