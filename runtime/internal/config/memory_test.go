package config

import (
	"testing"
	"testing/fstest"
)

func TestMemoryOfPoliciesIsReadInBytes(t *testing.T) {
	for written, want := range map[string]int64{
		`{}`:                         0,
		`{"policyMemoryMiB": 64}`:    64 << 20,
		`{"policyMemoryMiB": 1e3}`:   1000 << 20,
		`{"policyMemoryMiB": 512.0}`: 512 << 20,
	} {
		folder := validFolder(t)
		folder[GatewayFile] = &fstest.MapFile{Data: []byte(written)}
		result := load(t, folder, baseEnv())
		if result.Config == nil || result.Config.Gateway.PolicyMemory != want {
			t.Errorf("%s: %v, %+v", written, result.Problems, result.Config)
		}
	}
}
