package kind

import (
	"fmt"
	"os"

	"durward/policies/sdk"
)

// Serve is the policy's process. early is what stands on its command line: the fault that strikes before it knows more.
func Serve(early string) {
	if early == RefuseStart {
		fmt.Fprintln(os.Stderr, "this policy does not start")
		os.Exit(3)
	}
	sdk.Serve(kind{early: early, served: true})
}
