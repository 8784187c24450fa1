// Command missing names the parts that are not on this machine, for whoever has run the tests: those that need them were
// skipped, and go test does not show that.
package main

import (
	"fmt"

	"durward/conformance/parts"
)

func main() {
	for _, text := range parts.Missing() {
		fmt.Println("tests were skipped:", text)
	}
}
