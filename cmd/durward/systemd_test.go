package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/runtime"
)

// socket opens a socket as the service manager does, and answers it under the name that it was given.
func socket(t *testing.T, name string) *os.File {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	named := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { _ = named.Close() })
	return named
}

func TestSocketsAreAssignedByName(t *testing.T) {
	for _, c := range []struct {
		name          string
		given         []string
		public, admin int // which of those given, -1 for none
		refusal       string
	}{
		{"none", nil, -1, -1, ""},
		{"one without a name", []string{"LISTEN_FD_3"}, 0, -1, ""},
		{"one with the name of its unit", []string{"durward.socket"}, 0, -1, ""},
		{"operators' alone", []string{"admin"}, -1, 0, ""},
		{"both", []string{"public", "admin"}, 0, 1, ""},
		{"both the other way round", []string{"admin", "public"}, 1, 0, ""},
		{"the product's", []string{"durward"}, -1, -1, `"durward": FileDescriptorName= must be public or admin`},
		{"the flag's", []string{"listen"}, -1, -1, `"listen": FileDescriptorName= must be public or admin`},
		{"a stranger's", []string{"metrics"}, -1, -1, `"metrics"`},
		{"a stranger's beside ours", []string{"public", "metrics"}, -1, -1, `"metrics"`},
		{"two without a name", []string{"durward.socket", "durward.socket"}, -1, -1, "FileDescriptorName"},
		{"one of two without a name", []string{"admin", "unknown"}, -1, -1, "FileDescriptorName"},
		{"two for clients", []string{"public", "public"}, -1, -1, "two sockets are given for clients"},
		{"two for operators", []string{"admin", "admin"}, -1, -1, "two sockets are given for operators"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var files []*os.File
			var addresses []string
			for _, name := range c.given {
				f := socket(t, name)
				l, err := net.FileListener(f)
				if err != nil {
					t.Fatal(err)
				}
				addresses = append(addresses, l.Addr().String())
				_ = l.Close()
				files = append(files, f)
			}
			public, admin, err := assign(files)
			if c.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Fatalf("answered %v, want a refusal with %q", err, c.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for who, got := range map[string]struct {
				listener net.Listener
				want     int
			}{"clients": {public, c.public}, "operators": {admin, c.admin}} {
				switch {
				case got.want < 0 && got.listener != nil:
					t.Errorf("%s are served at %v", who, got.listener.Addr())
				case got.want >= 0 && (got.listener == nil || got.listener.Addr().String() != addresses[got.want]):
					t.Errorf("%s are served at %v, want %s", who, got.listener, addresses[got.want])
				}
				if got.listener != nil {
					_ = got.listener.Close()
				}
			}
		})
	}
}

func TestSocketThatIsNone(t *testing.T) {
	fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "public")
	defer f.Close()
	if _, _, err := assign([]*os.File{f}); err == nil || !strings.Contains(err.Error(), "clients") {
		t.Errorf("answered %v", err)
	}
}

// The service manager is told of each turn, in a datagram of its own.
func TestManagerIsTold(t *testing.T) {
	folder, err := os.MkdirTemp("", "dw") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", "")
	if tellManager(slog.New(slog.DiscardHandler), nil) != nil {
		t.Error("nobody wants to know, and somebody is told")
	}
	t.Setenv("NOTIFY_SOCKET", manager.LocalAddr().String())

	var s runtime.Status
	tell := tellManager(slog.New(slog.DiscardHandler), func() runtime.Status { return s })
	for _, c := range []struct {
		name   string
		status runtime.Status
		turn   runtime.Turn
		want   string
	}{
		{"serving", runtime.Status{Number: 1, Policies: make([]runtime.PolicyStatus, 1), Routes: make([]runtime.RouteStatus, 2)},
			runtime.Serving, `^READY=1\nSTATUS=Serving configuration 1: 1 policy, 2 routes$`},
		{"loading", runtime.Status{}, runtime.Loading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n$`},
		{"refused", runtime.Status{Number: 1, LastReload: runtime.Reload{Result: runtime.Refused}},
			runtime.Serving, `^READY=1\nSTATUS=Serving configuration 1: .*; the last change was refused, see the log$`},
		{"ending", runtime.Status{}, runtime.Ending, `^STOPPING=1\nSTATUS=.*$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s = c.status
			tell(c.turn)
			if err := manager.SetReadDeadline(time.Now().Add(scriptTimeout)); err != nil {
				t.Fatal(err)
			}
			told := make([]byte, 4096)
			n, err := manager.Read(told)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(c.want).Match(told[:n]) {
				t.Errorf("told %q, want %s", told[:n], c.want)
			}
		})
	}
}
