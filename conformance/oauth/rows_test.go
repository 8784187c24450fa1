package oauth

import "slices"

func rows() []row {
	return slices.Concat(metadataRows(), registrationRows(), redirectRows(), authorizeRows(), tokenRows(), refreshRows(),
		serverRows(), resourceRows())
}
