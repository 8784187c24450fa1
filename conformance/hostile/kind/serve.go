package kind

import (
	"bytes"
	"fmt"
	"os"

	"durward/policies/sdk"
	"durward/policies/sdk/protocol"
)

// Faults that strike before the process knows its options: each is a policy type of its own.
const (
	// RefuseStart ends the process before the handshake; HangInStart never comes to it.
	RefuseStart = "refuse-start"
	HangInStart = "hang-in-start"
	// PrintFirst prints something before the handshake, EndlessFirstLine 100 MB without a newline.
	PrintFirst       = "print-first"
	EndlessFirstLine = "endless-first-line"
	// ForeignSocket names another's socket in the handshake.
	ForeignSocket = "foreign-socket"
	// HangInDescribe never says what the process serves, OtherType says something else.
	HangInDescribe = "hang-in-describe"
	OtherType      = "other-type"
	// Deaf holds no lifeline and does not end when it is told to.
	Deaf = "deaf"
	// Wire says what package sdk would not let a policy say.
	Wire = "wire"
)

// Early are the faults that strike before the process knows its options.
func Early() []string {
	return []string{RefuseStart, HangInStart, PrintFirst, EndlessFirstLine, ForeignSocket, HangInDescribe, OtherType, Deaf, Wire}
}

// Serve is the policy's process. early is what stands on its command line: the fault that strikes before it knows more.
func Serve(early string) {
	switch early {
	case idle, HangInStart:
		select {}
	case RefuseStart:
		fmt.Fprintln(os.Stderr, "this policy does not start")
		os.Exit(3)
	case PrintFirst:
		fmt.Println("a policy is pleased to meet you")
	case EndlessFirstLine:
		chunk := bytes.Repeat([]byte("x"), 1<<20)
		for range noiseBytes / len(chunk) {
			if write(1, chunk) != nil {
				os.Exit(1)
			}
		}
	case ForeignSocket:
		_ = write(1, []byte(foreignHandshake)) // then it goes on as if nothing had been said
	case Wire:
		serveWire()
		return
	case Deaf:
		if os.Unsetenv(protocol.LifelineEnv) != nil {
			os.Exit(1)
		}
		sdk.Serve(kind{early: early, served: true})
		select {}
	}
	sdk.Serve(kind{early: early, served: true})
}
