package oauth

import "slices"

func rows() []row {
	return slices.Concat(metadataRows(), registrationRows(), documentRows(), fetchRows(), redirectRows(), authorizeRows(),
		tokenRows(), refreshRows(), revocationRows(), serverRows(), resourceRows(), scopeRows(), absentRows())
}
