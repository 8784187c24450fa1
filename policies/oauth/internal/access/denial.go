package access

// Denial is the rule that kept somebody out. The words are those of the audit log.
type Denial string

// The denials there are.
const (
	Admitted           Denial = ""                     // none
	DeniedNoEmail      Denial = "email_missing"        // a rule asks for an address, the provider gave none
	DeniedUnverified   Denial = "email_unverified"     // the provider does not vouch for the address
	DeniedEmail        Denial = "email_not_allowed"    // neither the address nor its domain is listed
	DeniedOrganization Denial = "organization_missing" // none of the listed organizations
	DeniedClaim        Denial = "claim_missing"        // a required claim is missing or has another value
)
