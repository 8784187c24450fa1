package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"

	"durward/conformance/parts"
)

// envScreenshots names a folder for pictures of all pages.
const envScreenshots = "DURWARD_SCREENSHOTS"

// look is a way to see a page.
type look struct {
	name   string
	scheme string // prefers-color-scheme
	width  int
	// check says that the page is checked as it looks then: each scheme and each width once. The others are for pictures.
	check bool
}

func looks() []look {
	return []look{
		{"light", "light", 1280, true}, {"dark", "dark", 1280, false},
		{"phone", "light", 375, false}, {"phone-dark", "dark", 375, true},
	}
}

// finding is what axe-core has against a page.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target         []any
		FailureSummary string
	}
}

// look looks at the page that the tab shows: it has no fault of accessibility that axe-core knows of, fits its width, and
// has a title. If somebody wants pictures, they are taken under this name.
func (tb *tab) look(name string) {
	tb.t.Helper()
	script := parts.AxeCore(tb.t)
	ctx, stop := context.WithTimeout(tb.t.Context(), 2*patience)
	defer stop()
	page := tb.page.Context(ctx)
	// A script that is evaluated this way is not the page's: its Content-Security-Policy does not hold for it.
	if _, err := (proto.RuntimeEvaluate{Expression: script}).Call(page); err != nil {
		tb.t.Fatalf("look at %s: %v", name, err)
	}
	folder := os.Getenv(envScreenshots)
	for _, l := range looks() {
		if folder == "" && !l.check {
			continue
		}
		if err := tb.as(page, l); err != nil {
			tb.t.Fatalf("look at %s: %v", name, err)
		}
		if l.check {
			tb.check(page, name+" ("+l.name+")")
		}
		if folder != "" {
			if err := picture(page, filepath.Join(folder, name+"-"+l.name+".png")); err != nil {
				tb.t.Fatalf("take picture of %s: %v", name, err)
			}
		}
	}
	if err := tb.as(page, looks()[0]); err != nil {
		tb.t.Fatal(err)
	}
}

// as shows the page in one way.
func (tb *tab) as(page *rod.Page, l look) error {
	media := proto.EmulationSetEmulatedMedia{
		Features: []*proto.EmulationMediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
	}
	if err := media.Call(page); err != nil {
		return err
	}
	return proto.EmulationSetDeviceMetricsOverride{
		Width: l.width, Height: 800, DeviceScaleFactor: 1, Mobile: l.width < 600,
	}.Call(page)
}

// check holds a page to what must be so in every way to see it.
func (tb *tab) check(page *rod.Page, name string) {
	tb.t.Helper()
	result, err := page.Eval(`() => axe.run({ resultTypes: ["violations"] }).then(r => JSON.stringify(r.violations))`)
	if err != nil {
		tb.t.Fatalf("look at %s: %v", name, err)
	}
	var findings []finding
	if err := json.Unmarshal([]byte(result.Value.Str()), &findings); err != nil {
		tb.t.Fatalf("look at %s: %v", name, err)
	}
	for _, f := range findings {
		var places strings.Builder
		for _, node := range f.Nodes {
			fmt.Fprintf(&places, "\n  %v: %s", node.Target, strings.ReplaceAll(node.FailureSummary, "\n", "\n  "))
		}
		tb.t.Errorf("%s: %s, %s: %s%s", name, f.Impact, f.ID, f.Help, &places)
	}
	if over := tb.eval(`() => String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); over != "0" {
		tb.t.Errorf("%s is %s px wider than its window", name, over)
	}
	if tb.eval(`() => document.title`) == "" {
		tb.t.Errorf("%s has no title", name)
	}
	// A browser with a window fetches the icon, and /favicon.ico where a page names none. This one has no window: what the
	// policy of the page says to its icon is seen by fetching it as an image.
	if icon := tb.eval(`async () => {
		const icon = new Image()
		icon.src = document.querySelector("link[rel=icon]")?.href ?? "/favicon.ico"
		await icon.decode().catch(() => "an empty one is no image")
		return icon.src
	}`); !strings.HasPrefix(icon, "data:") {
		tb.t.Errorf("the icon of %s is %q", name, icon)
	}
}

func picture(page *rod.Page, path string) error {
	image, err := page.Screenshot(true, nil)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, image, 0o600)
}

// logo is a picture that needs no request.
const logo = "data:image/svg+xml;base64," +
	"PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAzMiAzMiI+PHJlY3Qgd2lkdGg9IjMyIiBoZWlnaHQ9" +
	"IjMyIiByeD0iOCIgZmlsbD0iIzBhN2Q1YSIvPjxwYXRoIGQ9Ik05IDIzVjloMTR2NEgxM3YzaDh2NGgtOHYzeiIgZmlsbD0iI2ZmZiIvPjwvc3ZnPg=="
