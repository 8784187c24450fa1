// Package parts answers what of the real parts that the suites need is on this machine: a browser, nginx, Node.js, the
// packages that are taken from npm, and mounts and limits that a process has for itself.
//
// It owns the versions of the npm packages (the folder node) and installs them, once for each state of their lock file;
// and it builds the Go programs that suites share. It promises that a part that is missing is named together with how to
// get it: that test fails where CI=true, and is skipped anywhere else.
//
// It starts none of them, and takes nothing but npm packages from the network.
package parts

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// part is a program that a machine has or has not.
type part struct {
	name     string
	commands []string // under which PATH may hold it
	get      string   // how a person gets it
}

func chromium() part {
	return part{
		"Chromium", []string{"chromium", "chromium-browser", "google-chrome"},
		"apt-get install --no-install-recommends chromium",
	}
}

func node() part {
	return part{"Node.js", []string{"node"}, "apt-get install --no-install-recommends nodejs"}
}

func nginx() part {
	return part{
		"nginx", []string{"nginx"},
		"apt-get install --no-install-recommends nginx-light, and /usr/sbin in PATH",
	}
}

// unshare is of util-linux, as is mount.
func unshare() part {
	return part{"unshare", []string{"unshare"}, "apt-get install --no-install-recommends util-linux mount"}
}

func npm() part { return part{"npm", []string{"npm"}, "apt-get install --no-install-recommends npm"} }

// find answers the program's path.
func (p part) find() (string, error) {
	for _, command := range p.commands {
		if path, err := exec.LookPath(command); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not on this machine (%s): %s", p.name, strings.Join(p.commands, ", "), p.get)
}

// Chromium answers the path of a Chromium or Chrome.
func Chromium(t testing.TB) string {
	t.Helper()
	return need(t, chromium())
}

// Node answers the path of Node.js.
func Node(t testing.TB) string {
	t.Helper()
	return need(t, node())
}

// Nginx answers the path of nginx.
func Nginx(t testing.TB) string {
	t.Helper()
	return need(t, nginx())
}

// Unshare answers the path of unshare, on a machine where it can make user and mount namespaces.
func Unshare(t testing.TB) string {
	t.Helper()
	path := need(t, unshare())
	if err := namespaces(path); err != nil {
		absent(t, err)
	}
	return path
}

// namespaces says why a process cannot have mounts and limits of its own, if so.
func namespaces(unshare string) error {
	if out, err := exec.Command(unshare, "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt").CombinedOutput(); err != nil {
		return fmt.Errorf("user namespaces cannot be made on this machine (unshare -Urm: %s): in a container they need "+
			"--security-opt seccomp=unconfined, on Ubuntu sysctl kernel.apparmor_restrict_unprivileged_userns=0",
			strings.TrimSpace(string(out)))
	}
	return nil
}

// Missing says of each part that is not on this machine what it is and how to get it. To know, it installs the npm
// packages if that has not been done.
func Missing() []string {
	var missing []string
	for _, p := range []part{chromium(), nginx(), node(), npm(), unshare()} {
		if _, err := p.find(); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if command, err := unshare().find(); err == nil {
		if err := namespaces(command); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if command, err := npm().find(); err == nil {
		if err := install(command, folder()); err != nil {
			missing = append(missing, err.Error())
		}
	}
	return missing
}

func need(t testing.TB, p part) string {
	t.Helper()
	path, err := p.find()
	if err != nil {
		absent(t, err)
	}
	return path
}

// absent ends a test for want of a part.
func absent(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}
