package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"durward/runtime"
)

//go:embed starter
var starterFiles embed.FS

// written is a file that is to be written.
type written struct {
	path string
	mode fs.FileMode
	data []byte
}

// starterView is what the templates in the folder starter are filled with.
type starterView struct {
	Upstream, Path, Name, FrontendAPIURL, PublicURL string
	EmailDomains                                    []string
	// Origin is where clients reach the gateway, RedirectURI what Clerk has to know.
	Origin, RedirectURI string
	// DotEnv says that the gateway reads .env, AsksFrontendAPIURL that it is to be set there.
	DotEnv, AsksFrontendAPIURL bool
	folder                     string
}

// Schema is how an editor comes to know what may stand in a file.
func (v starterView) Schema(document string) string {
	name := document + ".schema.json"
	return fmt.Sprintf(`An editor completes this file with "$schema": "./%s" and: durward schema %s > %s`, name, document,
		filepath.ToSlash(filepath.Join(v.folder, name)))
}

func (s starter) view() starterView {
	v := starterView{
		Upstream: s.upstream, Path: s.path, Name: s.name, FrontendAPIURL: s.frontendAPIURL, PublicURL: s.publicURL,
		EmailDomains: s.emailDomains, Origin: s.publicURL, folder: s.folder,
	}
	if v.Origin == "" {
		v.Origin = "http://" + runtime.DefaultListen
	}
	if v.FrontendAPIURL == "" {
		v.FrontendAPIURL, v.AsksFrontendAPIURL = "$env(CLERK_FRONTEND_API_URL)", true
	}
	v.RedirectURI = v.Origin + "/oauth/callback"
	public, err := url.Parse(v.Origin)
	v.DotEnv = err == nil && isLoopback(public.Hostname())
	return v
}

// isLoopback tells whether a host can only mean this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// beside is a file in the folder that holds the configuration's.
func (s starter) beside(name string) string { return filepath.Join(s.folder, "..", name) }

// files are the files to be written, the configuration's first.
func (s starter) files() ([]written, error) {
	templates, err := template.New("").Funcs(template.FuncMap{"json": jsonText, "line": printable}).ParseFS(starterFiles, "starter/*")
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	var files []written
	for _, name := range []string{"policies.jsonc", "routes.oas.jsonc", "gateway.jsonc"} {
		data, err := s.filled(templates, name)
		if err != nil {
			return nil, err
		}
		if s.plain {
			name, data = strings.TrimSuffix(name, "c"), withoutComments(data)
		}
		files = append(files, written{filepath.Join(s.folder, name), 0o644, data})
	}
	example, err := s.filled(templates, "env.example")
	if err != nil {
		return nil, err
	}
	// It holds no secret, but its copy will, and cp keeps the mode.
	return append(files, written{s.beside(".env.example"), 0o600, example}), nil
}

func (s starter) filled(templates *template.Template, name string) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, s.view()); err != nil {
		return nil, fmt.Errorf("fill template: %w", err)
	}
	return out.Bytes(), nil
}

// jsonText is a value as it stands in a file: readable, so with < and & as they are.
func jsonText(value any) (string, error) {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "", fmt.Errorf("write json: %w", err)
	}
	return strings.ReplaceAll(strings.TrimSpace(out.String()), `","`, `", "`), nil
}

// withoutComments leaves out comments: in the templates each has a line of its own.
func withoutComments(data []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
			out.Write(line)
		}
	}
	return out.Bytes()
}

// check loads the configuration from a folder of its own, with variables that stand for those to come, so that what is
// written is known to be taken. What is wrong with it a flag has said.
func (s starter) check(files []written) error {
	folder, err := os.MkdirTemp("", "durward-init-")
	if err != nil {
		return fmt.Errorf("check configuration: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(f.path)), f.data, 0o600); err != nil {
			return fmt.Errorf("check configuration: %w", err)
		}
	}
	v, err := runtime.Validate(runtime.Options{Config: folder, Plugins: catalogue(), LookupEnv: func(name string) (string, bool) {
		switch name {
		case "CLERK_FRONTEND_API_URL":
			return "https://clerk.example.com", true
		case "CLERK_CLIENT_ID", "CLERK_CLIENT_SECRET":
			return "to-be-set", true
		}
		return "", false
	}})
	if err != nil {
		return err
	}
	return refusal(v.Problems)
}

// otherForm is the name by which the same file may stand, with comments or without. The two exclude each other.
func otherForm(path string) string {
	if plain, ok := strings.CutSuffix(path, ".jsonc"); ok {
		return plain + ".json"
	}
	if strings.HasSuffix(path, ".json") {
		return path + "c"
	}
	return path
}

// withoutShared leaves out .env.example where there is one, and answers its name: a second folder beside the first has its
// variables in the same .env.
func (s starter) withoutShared(files []written) (missing []written, left string) {
	shared := s.beside(".env.example")
	if _, err := os.Lstat(shared); err != nil {
		return files, "" // writing it tells what is the matter, if anything is
	}
	return slices.DeleteFunc(files, func(f written) bool { return f.path == shared }), shared
}

// writeNew writes files where there are none yet: all of them, or none.
func writeNew(files []written) (err error) {
	for _, f := range files {
		for _, path := range []string{f.path, otherForm(f.path)} {
			if _, err := os.Lstat(path); err == nil {
				return fmt.Errorf("%s is there already: nothing was written", path)
			} else if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("look for file: %w", err)
			}
		}
	}
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				_ = os.Remove(path) // what could be written can be removed, or somebody has been faster
			}
		}
	}()
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil { //nolint:gosec // the service's user reads it too
			return fmt.Errorf("make folder: %w", err)
		}
		file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if err != nil {
			return fmt.Errorf("write file: %w", err)
		}
		made = append(made, f.path)
		_, err = file.Write(f.data)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("write file: %w", err)
		}
	}
	return nil
}
