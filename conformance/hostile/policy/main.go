// Command policy is the process of a hostile policy. Only a host can start it.
package main

import (
	"os"

	"durward/conformance/hostile/kind"
)

func main() {
	early := ""
	if len(os.Args) > 1 {
		early = os.Args[1]
	}
	kind.Serve(early)
}
