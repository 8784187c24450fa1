// Package config holds the configuration that ships: what the demo runs and what a first set-up starts from.
//
// It owns the JSON files beside it and carries them in the binary, so that a released binary has them where this folder
// is not there. It promises that they are valid with the four variables they name: CLERK_FRONTEND_API_URL,
// CLERK_CLIENT_ID, CLERK_CLIENT_SECRET and DURWARD_DEMO_UPSTREAM. It is not for reading them: that is the host's.
package config

import (
	"embed"
	"io/fs"
)

//go:embed policies.json routes.oas.json
var files embed.FS

// FS is the folder as it was when the binary was built.
func FS() fs.FS { return files }
