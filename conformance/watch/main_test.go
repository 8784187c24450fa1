package watch

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain has more tests run side by side than there are processors: they wait far more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}
