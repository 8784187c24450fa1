// Command missing names the parts that are not on this machine, for whoever runs the tests: what needs them is skipped,
// and go test does not show that.
package main

import (
	"fmt"

	"durward/conformance/parts"
)

func main() {
	for _, text := range parts.Missing() {
		fmt.Println("skipping tests:", text)
	}
}
