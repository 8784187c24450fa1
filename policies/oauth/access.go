package oauth

import "durward/policies/oauth/internal/access"

// openNote is said of a policy without access rules.
const openNote = "everybody whom the identity provider lets in may come in, and many applications at providers such as " +
	"Clerk let anybody sign up: say who may with access, for example \"access\": {\"emailDomains\": [\"example.com\"]}"

// knows says whether a person is one of the provider's that is configured now. Another one's, of a time before the
// options were changed, have to sign in anew: nobody vouches for them any more.
func (s *server) knows(who access.Person) bool { return who.Issuer == s.provider.Issuer() }

// welcome says whether a person who came in once would be let in now: a changed rule holds at once for everybody.
func (s *server) welcome(who access.Person) bool {
	return s.knows(who) && s.options.access.Judge(who) == access.Admitted
}
