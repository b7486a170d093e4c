package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
	"github.com/wayleave/wayleave/config"
)

const longDemo = `Shows the whole product in one process, and proves it while it does.

It starts a sample product called notes, with a workspace for dev and one for
prod, and a Wayleave server on the embedded default in a temporary directory.
Then, as a client of that server, it connects notes in both environments, makes
agents, lists and calls tools over MCP, shows what a caller is refused, what a
failed test leaves behind and what revoking does.

It keeps serving until it is interrupted, so that you can go on by yourself;
with --once it ends when everything was seen to work, or with exit code 1 and
the step that did not.`

func newDemo(c *cli) *cobra.Command {
	var once bool
	cmd := &cobra.Command{Use: "demo", Short: "Show the whole product in one process", Long: longDemo, Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd.Context(), once) }}
	cmd.Flags().BoolVar(&once, "once", false, "end when everything was seen to work")
	return cmd
}

// demo runs the demonstration and, unless once, serves on until ctx ends.
func (c *cli) demo(ctx context.Context, once bool) error {
	dir, err := os.MkdirTemp("", "wayleave-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d := &demonstration{cli: c, dir: dir}
	ctx, stop := context.WithCancel(ctx)
	defer func() { stop(); d.wait() }()
	for i, step := range d.steps() {
		said, err := step.do(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &demoError{i + 1, step.what, err}
		}
		c.say("%2d. %s", i+1, said)
	}
	if once {
		c.say("\nAll %d steps worked.", len(d.steps()))
		return nil
	}
	d.invite()
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.failed:
		return err
	}
}

// demoError names the step that did not do what it should.
type demoError struct {
	number int
	what   string
	cause  error
}

func (e *demoError) Error() string {
	return fmt.Sprintf("step %d (%s) failed: %v", e.number, e.what, describe(e.cause))
}

// describe returns an error with its code and remedy, where it has them.
func describe(err error) string {
	var p *client.Problem
	if errors.As(err, &p) {
		return fmt.Sprintf("%s (%s) %s", p.Message(), p.Code, p.Fix)
	}
	return err.Error()
}

// demoConfig are the settings of the demonstration's server. Nothing of this
// user's own settings enters: it must be the same everywhere.
func demoConfig(dir, listen string, allow string) (*config.Config, error) {
	return config.Load(config.Sources{Flags: map[string]string{
		"data_dir": dir, "listen": listen, "egress.allow": allow, "log.level": "error",
	}})
}
