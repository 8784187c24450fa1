package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"durward/runtime"
)

// statusInterval is the time between two looks at a gateway, over which decisions are counted.
const statusInterval = time.Second

func newStatusCommand() *cobra.Command {
	var at operatorFlags
	var watch, asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what a running gateway does",
		Long: `Show what a gateway runs: its generation and what the last reload came to, the process
of each policy, decisions a second by where they came from, open answers and streams.
It looks twice, a second apart.

With --watch it goes on until it is told to end (Ctrl-C): on a terminal in place, else
one picture below the other. With --json it prints what the gateway answers to
GET /-/generation: once, or with --watch one object a line.

Exit status 0: the gateway answered, whatever it told.
Exit status 1: it did not.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			gateway, err := at.operator(c)
			if err != nil {
				return err
			}
			ctx, stop := untilSignal(c.Context())
			defer stop()
			out := c.OutOrStdout()
			look := looker{gateway: gateway, now: time.Now, out: out, screen: func() (terminal, bool) { return terminalOf(out) }}
			switch {
			case asJSON && watch:
				err = look.stream(ctx)
			case asJSON:
				err = look.once(ctx)
			default:
				err = look.show(ctx, watch)
			}
			if ctx.Err() != nil {
				return nil // told to end, and so it does
			}
			return err
		},
	}
	at.add(c)
	c.Flags().BoolVar(&watch, "watch", false, "look again every second, until told to end")
	c.Flags().BoolVar(&asJSON, "json", false, "print what the gateway answers, as it is")
	return c
}

// looker looks at a gateway and prints what it sees.
type looker struct {
	gateway *operator
	now     func() time.Time
	out     io.Writer
	// screen answers the terminal that out is, if it is one; its size may change.
	screen func() (terminal, bool)
}

// look asks once. The answer is one object on one line.
func (l *looker) look(ctx context.Context) (line []byte, s runtime.Status, err error) {
	answer, err := l.gateway.ask(ctx, "GET", "/-/generation", "", nil)
	if err != nil {
		return nil, s, err
	}
	if err := json.Unmarshal(answer, &s); err != nil {
		return nil, s, fmt.Errorf("what %s answered is no status: %w", l.gateway.address, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, answer); err != nil {
		return nil, s, fmt.Errorf("what %s answered is no status: %w", l.gateway.address, err)
	}
	compact.WriteByte('\n')
	return compact.Bytes(), s, nil
}

// once prints the gateway's answer as it is.
func (l *looker) once(ctx context.Context) error {
	answer, err := l.gateway.ask(ctx, "GET", "/-/generation", "", nil)
	if err != nil {
		return err
	}
	_, err = l.out.Write(answer)
	return err
}

// stream prints one answer a line until ctx ends.
func (l *looker) stream(ctx context.Context) error {
	for ctx.Err() == nil {
		line, _, err := l.look(ctx)
		if err != nil {
			return err
		}
		if _, err := l.out.Write(line); err != nil {
			return fmt.Errorf("print status: %w", err)
		}
		pause(ctx)
	}
	return nil
}

// show prints pictures: one, or one after the other until ctx ends. Once there has been a picture, a gateway that does
// not answer is said to, and asked again: it may be on its way back.
func (l *looker) show(ctx context.Context, watch bool) error {
	_, before, err := l.look(ctx)
	if err != nil {
		return err
	}
	seen := l.now()
	for first := true; ; first = false {
		pause(ctx)
		if ctx.Err() != nil {
			return nil
		}
		_, after, err := l.look(ctx)
		var picture string
		screen, onScreen := l.screen()
		switch now := l.now(); {
		case err != nil && first:
			return err
		case err != nil:
			picture = err.Error() + "\n"
		default:
			columns := 0 // only a picture in place must have lines that fit: what is cut may be what has changed
			if onScreen && watch {
				columns = screen.columns
			}
			picture = statusText{before, after, now.Sub(seen), now, columns}.String()
			before, seen = after, now
		}
		switch {
		case onScreen && watch:
			picture = screen.inPlace(picture, first)
		case watch && !first:
			picture = "\n" + picture
		}
		if _, err := io.WriteString(l.out, picture); err != nil {
			return fmt.Errorf("print status: %w", err)
		}
		if !watch {
			return nil
		}
	}
}

func pause(ctx context.Context) {
	timer := time.NewTimer(statusInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
