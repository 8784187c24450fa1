package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"durward/runtime"
)

// maxFile is how much of a file is sent: a byte more than a configuration's file may have, so that the gateway tells it.
const maxFile = 16<<20 + 1

func newPlanCommand() *cobra.Command {
	var s settings
	var at operatorFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Tell what a configuration would change in a running gateway",
		Long: `Compare the configuration in --config with what a gateway runs, and tell what a reload
would change: which policies are started anew and because of which option, which
routes, which open streams would end, and what would be lost. Nothing is changed.

The files are sent to the gateway, which reads them with its own variables, so the
answer is what it would make of them. No secret is in it.

Exit status 0: nothing would change.
Exit status 2: something would.
Exit status 1: there are problems, a reload would refuse it, or the gateway did not answer.`,
		Args:        noArguments,
		Annotations: map[string]string{statusOfUsage: "1"}, // 2 says that something differs
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := s.options(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			gateway, err := at.operator(c)
			if err != nil {
				return err
			}
			// Which files there are the configuration says, also if it has problems here: what the gateway makes of it counts.
			here, err := runtime.Validate(o)
			if err != nil {
				return err
			}
			archive, err := packed(o.Config, here.Files)
			if err != nil {
				return err
			}
			answer, err := gateway.ask(c.Context(), "POST", "/-/plan", "application/zip", archive)
			if err != nil {
				return err
			}
			var plan runtime.Plan
			if err := json.Unmarshal(answer, &plan); err != nil {
				return fmt.Errorf("what %s answered is no plan: %w", gateway.address, err)
			}
			if asJSON {
				_, err = c.OutOrStdout().Write(answer)
			} else {
				err = planText{plan: plan, folder: o.Config, gateway: gateway.address, here: here}.print(c.OutOrStdout())
			}
			if err != nil {
				return fmt.Errorf("print plan: %w", err)
			}
			return planStatus(plan)
		},
	}
	s.addConfig(c)
	at.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's answer as it is")
	return c
}

func planStatus(plan runtime.Plan) error {
	switch {
	case len(plan.Problems)+len(plan.Refused) > 0:
		return exitError(1)
	case !plan.Changes.None():
		return exitError(2)
	}
	return nil
}

// packed answers files of a folder as a zip archive.
func packed(folder string, names []string) (io.Reader, error) {
	files := os.DirFS(folder) // refuses names that lead out of it
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, name := range names {
		if err := pack(archive, files, name); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", folder, err)
	}
	return &out, nil
}

// pack adds a file to the archive, if there is one.
func pack(archive *zip.Writer, folder fs.FS, name string) error {
	content, err := folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer content.Close()
	entry, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, io.LimitReader(content, maxFile))
	return err
}
