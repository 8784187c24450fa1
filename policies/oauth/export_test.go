package oauth

import (
	"durward/policies"
	"durward/policies/oauth/internal/cimd"
)

// FetchWith has a policy fetch documents with a fetcher of the test's own.
func FetchWith(policy policies.Policy, fetcher cimd.Fetcher) {
	policy.(*server).documents.public = cimd.New(fetcher, askerOf)
}
