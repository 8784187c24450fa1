package reload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"durward/conformance/gateway"
	"durward/policies/policypb"
	"durward/policies/sdk/protocol"
	"durward/runtime"
)

// reloadOnce saves a file and asks for the reload, as an operator does who waits for it. The CPU time is the gateway's, and
// that of the processes which the reload has started.
func reloadOnce(b *testing.B, g *gateway.Gateway, file, content string) cost {
	b.Helper()
	old := childrenOf(g.PID())
	host := cpuOf(g.PID())
	g.Save(file, content)
	began := time.Now()
	answer, err := http.Post(g.Admin+"/-/reload", "", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	var r runtime.Reload
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil || r.Result != runtime.Applied {
		b.Fatalf("the reload was %+v, %v", r, err)
	}
	c := cost{wall: time.Since(began), cpu: cpuOf(g.PID()) - host}
	for _, child := range childrenOf(g.PID()) {
		if !slices.Contains(old, child) {
			c.cpu += cpuOf(child)
		}
	}
	return c
}

// cpuOf is what a process has used of the processors so far (schedstat, in Documentation/scheduler/sched-stats of Linux).
func cpuOf(pid int) (used time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is a good one
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		if nanoseconds, err := strconv.ParseInt(first, 10, 64); err == nil {
			used += time.Duration(nanoseconds)
		}
	}
	return used
}

// run runs a program to its end.
func run(b *testing.B, env []string, program string, arguments ...string) cost {
	b.Helper()
	cmd := exec.Command(program, arguments...)
	cmd.Env = append(os.Environ(), env...)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v: %s", program, err, out)
	}
	return cost{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// startAlone starts so many processes of a policy at once, as any host of go-plugin does, until each has answered its first
// call. The CPU time is theirs and that of this program.
func startAlone(b *testing.B, n int, executable string, arguments ...string) cost {
	b.Helper()
	clients := make([]*plugin.Client, n)
	for i := range clients {
		clients[i] = plugin.NewClient(&plugin.ClientConfig{
			HandshakeConfig: protocol.Handshake(), Cmd: exec.Command(executable, arguments...), AutoMTLS: true,
			VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.PluginName: asked{}}},
			AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
		})
		defer clients[i].Kill()
	}
	here := cpuOf(os.Getpid())
	began := time.Now()
	var started sync.WaitGroup
	failed := make(chan error, n)
	for _, c := range clients {
		started.Go(func() {
			if err := ask(b.Context(), c); err != nil {
				failed <- err
			}
		})
	}
	started.Wait()
	result := cost{wall: time.Since(began), cpu: cpuOf(os.Getpid()) - here}
	select {
	case err := <-failed:
		b.Fatal(err)
	default:
	}
	for _, c := range clients {
		result.cpu += cpuOf(c.ReattachConfig().Pid)
	}
	return result
}

func ask(ctx context.Context, c *plugin.Client) error {
	protocols, err := c.Client()
	if err != nil {
		return fmt.Errorf("start policy: %w", err)
	}
	policy, err := protocols.Dispense(protocol.PluginName)
	if err != nil {
		return fmt.Errorf("start policy: %w", err)
	}
	if _, err = policy.(policypb.PolicyClient).Describe(ctx, &policypb.DescribeRequest{}); err != nil {
		return fmt.Errorf("ask policy: %w", err)
	}
	return nil
}

// asked is a policy's plugin as this program knows it.
type asked struct{ plugin.NetRPCUnsupportedPlugin }

func (asked) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return policypb.NewPolicyClient(conn), nil
}

func (asked) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("it serves nothing")
}
