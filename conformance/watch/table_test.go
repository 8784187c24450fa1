package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// soon bounds how long a change may take that is told by an event: ten times what it takes. No poll comes by in that time
// (world.clear), so that none is taken for an event.
const soon = 4 * time.Second

// mount is a kind of place for the files of a configuration.
type mount struct {
	name  string
	place func(t *testing.T, g *gateway.Gateway) (at string)
	kinds []kind
}

// mounts are those that have events.
func mounts() []mount {
	return []mount{
		{"a folder", nil, slices.Concat(inPlaceKinds(), renameKinds(), folderKinds())},
		{"a folder through a symbolic link", func(t *testing.T, g *gateway.Gateway) string {
			must(t, os.Rename(g.Config, g.Config+".real"))
			must(t, os.Symlink(filepath.Base(g.Config)+".real", g.Config))
			return g.Config
		}, slices.Concat(inPlaceKinds(), renameKinds(), linkKinds())},
		{"a ConfigMap", func(t *testing.T, g *gateway.Gateway) string {
			must(t, os.Rename(g.Config, g.Config+".v0"))
			must(t, os.Mkdir(g.Config, 0o700))
			must(t, os.Rename(g.Config+".v0", filepath.Join(g.Config, "..v0")))
			must(t, os.Symlink("..v0", filepath.Join(g.Config, "..data")))
			for _, name := range []string{"policies.json", routes, beside} {
				must(t, os.Symlink("..data/"+name, filepath.Join(g.Config, name)))
			}
			return g.Config
		}, swapKinds()},
		{"a bind mount of a folder", func(t *testing.T, g *gateway.Gateway) string {
			must(t, os.Rename(g.Config, g.Config+".real"))
			must(t, os.Mkdir(g.Config, 0o700))
			inside(t, g, `mount --bind "$config.real" "$config"`)
			return g.Config + ".real"
		}, slices.Concat(inPlaceKinds(), renameKinds())},
		{"bind mounts of single files", func(t *testing.T, g *gateway.Gateway) string {
			must(t, os.Rename(g.Config, g.Config+".real"))
			must(t, os.Mkdir(g.Config, 0o700))
			inside(t, g, `for file in "$config.real"/*; do
				touch "$config/${file##*/}"; mount --bind "$file" "$config/${file##*/}"
			done`)
			return g.Config + ".real"
		}, inPlaceKinds()},
		{"tmpfs", func(t *testing.T, g *gateway.Gateway) string {
			inside(t, g, `mount -t tmpfs tmpfs /mnt; cp "$config"/* /mnt; mount --move /mnt "$config"`)
			return "/proc/self/root" + g.Config
		}, slices.Concat(inPlaceKinds(), renameKinds())},
		{"overlayfs", func(t *testing.T, g *gateway.Gateway) string {
			inside(t, g, `mount -t tmpfs tmpfs /mnt; mkdir /mnt/upper /mnt/work
				mount -t overlay overlay -o lowerdir="$config",upperdir=/mnt/upper,workdir=/mnt/work "$config"`)
			return "/proc/self/root" + g.Config
		}, slices.Concat(inPlaceKinds(), renameKinds())},
	}
}

// Each kind of save, on each kind of mount, causes the reloads that it must and no other.
func TestSaves(t *testing.T) {
	t.Parallel()
	for _, m := range mounts() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, m.place)
			if !gateway.Within(soon, func() bool { return w.Status().Watch == "events" }) {
				t.Errorf("the gateway lives by %q", w.Status().Watch)
			}
			for _, k := range m.kinds {
				ok := t.Run(k.name, func(t *testing.T) {
					w.t = t
					for _, s := range k.steps {
						w.clear()
						w.take(s)
					}
					w.exact(soon)
				})
				if !ok {
					break // the next would count what this one left
				}
			}
		})
	}
}

// A bind mount of a single file is of that very file: one that is renamed into its place, where the mount has it from,
// is not seen inside, by nobody. The gateway goes on with what it sees, and sees no change.
func TestFileRenamedUnderneathABindMount(t *testing.T) {
	t.Parallel()
	all := mounts()
	i := slices.IndexFunc(all, func(m mount) bool { return m.name == "bind mounts of single files" })
	w := start(t, all[i].place)
	save(t, w.routes(), w.next())
	if r := w.Reload(); r.Result != "unchanged" {
		t.Errorf("the reload was %+v", r)
	}
	w.reloads++
	w.exact(soon)
	if n := len(w.Status().Routes); n != 1 {
		t.Errorf("%d routes", n)
	}
}

// Where there are no events the files are read every ten seconds, and the log and the status say so: each save is seen
// late, and is one reload.
func TestSavesWithoutEvents(t *testing.T) {
	t.Parallel()
	const late = 18 * time.Second
	for _, tt := range []struct {
		name  string
		place func(t *testing.T, g *gateway.Gateway) string
		mode  string
		log   string
	}{
		{"no watches left", func(t *testing.T, g *gateway.Gateway) string {
			inside(t, g, "echo 0 >/proc/sys/user/max_inotify_watches")
			return g.Config
		}, "polling", "file events cannot be had everywhere: some files are only read from time to time"},
		{"no instances left", func(t *testing.T, g *gateway.Gateway) string {
			inside(t, g, "echo 0 >/proc/sys/user/max_inotify_instances")
			return g.Config
		}, "polling", "file events cannot be had: files are only read from time to time"},
		// The system takes the watch and never tells: what is written to a lower layer is no event of the overlay. Unlike
		// network file systems, most overlays are not so, and the gateway cannot know.
		{"a mount that is silent", func(t *testing.T, g *gateway.Gateway) string {
			must(t, os.Rename(g.Config, g.Config+".lower"))
			must(t, os.Mkdir(g.Config, 0o700))
			inside(t, g, `mount -t overlay overlay -o lowerdir="$config.lower:$config" "$config"`)
			return g.Config + ".lower"
		}, "events", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, tt.place)
			w.clear() // the next poll is more than four seconds away, however long the start took
			began := time.Now()
			inPlace(t, w.routes(), w.next())
			inPlace(t, filepath.Join(w.at, beside), content(beside, w.number))
			if mode := w.Status().Watch; mode != tt.mode {
				t.Errorf("the gateway lives by %q, want %q", mode, tt.mode)
			}
			w.await(late, "applied")
			if took := time.Since(began); took < 3*time.Second {
				t.Errorf("the change was seen after %v: there are events, and this test shows nothing", took)
			}
			if tt.log != "" {
				w.Wait(tt.log, func(l gateway.Line) bool { return l.Msg() == tt.log })
			}
			if n := w.count(); n != 1 {
				t.Errorf("there were %d reloads, want 1", n)
			}
		})
	}
}
