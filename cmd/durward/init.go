package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newInitCommand() *cobra.Command {
	var s starter
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a configuration to start from",
		Long: `Write a configuration to start from into DIR (default "config"): Clerk in front of one
MCP server, with a comment on every line that may need one, and beside DIR the
file .env.example with the variables that it names. No secret is asked for.

What is not said by a flag is written as on a first try on one's own machine. With
--plain the files are strict JSON and have no comments.

Exit status 0: the files are written, and validate takes them once the variables are set.
Exit status 1: a file of DIR is there already, or a flag cannot be used; nothing is written.`,
		Example: `  durward init --upstream http://127.0.0.1:3000/mcp
  durward init config --path /mcp/tickets --upstream http://tickets.internal:8080/mcp \
      --frontend-api-url https://clerk.example.com --email-domain example.com \
      --public-url https://mcp.example.com`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("init takes one folder: %q is a second one", args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			s.folder = defaultConfig
			if len(args) == 1 {
				s.folder = args[0]
			}
			return s.run(c.OutOrStdout())
		},
	}
	flags := c.Flags()
	flags.StringVar(&s.upstream, "upstream", "http://127.0.0.1:3000/mcp", "the MCP server is at `URL`")
	flags.StringVar(&s.path, "path", "", "clients find it at `PATH` of the gateway (default /mcp/ and --name)")
	flags.StringVar(&s.name, "name", "", "the route's operationId is `NAME` (default the last part of --path, or \"tools\")")
	flags.StringVar(&s.frontendAPIURL, "frontend-api-url", "",
		"the Clerk instance's Frontend API URL is `URL` (default: the variable CLERK_FRONTEND_API_URL)")
	flags.StringArrayVar(&s.emailDomains, "email-domain", nil,
		"people with an address of `DOMAIN` may come in; may be given more than once (default: everybody)")
	flags.StringVar(&s.publicURL, "public-url", "", "clients reach the gateway at `URL` (default: this machine only)")
	flags.BoolVar(&s.plain, "plain", false, "write .json files without comments")
	return c
}

// starter is a configuration to start from, as flags describe it.
type starter struct {
	folder         string
	upstream       string
	path, name     string
	frontendAPIURL string
	emailDomains   []string
	publicURL      string
	plain          bool
}

func (s starter) run(out io.Writer) error {
	if s.path == "" {
		s.path = "/mcp/" + cmp.Or(s.name, "tools")
	}
	if s.name == "" {
		s.name = path.Base(s.path)
	}
	files, err := s.files()
	if err != nil {
		return err
	}
	if err := s.check(files); err != nil {
		return err
	}
	files, left := s.withoutShared(files)
	if err := writeNew(files); err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintln(out, "wrote", printable(f.path))
	}
	if left != "" {
		fmt.Fprintf(out, "left %s as it is: it was there already\n", printable(left))
	}
	s.next(out)
	return nil
}

// next says what to do with the files.
func (s starter) next(out io.Writer) {
	dotEnv, strict := s.beside(".env"), ""
	fmt.Fprintf(out, `
At Clerk, give the OAuth application the redirect URI %s
and the scopes openid, profile, email and offline_access.
Then fill in the variables, look whether all is well, and start:

  cp %[2]s.example %[2]s; ${EDITOR:-vi} %[2]s
`, s.view().RedirectURI, quotedForShell(dotEnv))
	if !s.view().DotEnv {
		sourced := dotEnv
		if !strings.Contains(sourced, "/") { // which a shell would look for in PATH
			sourced = "./" + sourced
		}
		fmt.Fprintf(out, "  set -a; . %s; set +a\n", quotedForShell(sourced))
		strict = " --strict"
	}
	config := ""
	if s.folder != defaultConfig {
		config = " --config " + quotedForShell(s.folder)
	}
	fmt.Fprintf(out, "  durward validate%[1]s%[2]s\n  durward serve%[1]s\n", config, strict)
}

// quotedForShell is a text as a shell takes it for one word.
func quotedForShell(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == "" && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// blamed is the flag by which a problem of the files came about, or "".
func blamed(p runtime.Problem) string {
	for _, flag := range []struct{ ending, name string }{
		{"/rewritePattern", "--upstream"}, {"/operationId", "--name"}, {"/summary", "--name"},
		{"/frontendApiUrl", "--frontend-api-url"}, {"/publicUrl", "--public-url"},
	} {
		if strings.HasSuffix(p.Pointer, flag.ending) {
			return flag.name
		}
	}
	switch {
	case strings.Contains(p.Pointer, "/emailDomains"):
		return "--email-domain"
	case strings.HasPrefix(p.Pointer, "/paths/") && strings.Count(p.Pointer, "/") == 2:
		return "--path"
	}
	return ""
}

// refusal tells of problems by the flags that caused them.
func refusal(problems []runtime.Problem) error {
	var faults []error
	told := map[string]bool{}
	for _, p := range problems {
		flag := blamed(p)
		if flag == "" {
			flag = p.Pointer
		}
		if fault := flag + ": " + p.Text; !told[fault] {
			told[fault] = true
			faults = append(faults, errors.New(printable(fault)))
		}
	}
	return errors.Join(faults...)
}
