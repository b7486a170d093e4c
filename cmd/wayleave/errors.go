package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/internal/fault"
)

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError says that a verb was called wrongly.
type usageError struct {
	verb    string // such as "wayleave connections show"
	message string
}

func (e *usageError) Error() string { return e.message }

func usage(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Sprintf(format, args...)}
}

// failure is an error with what to do about it.
type failure struct {
	message, fix string
	cause        error
}

func (e *failure) Error() string { return e.message }
func (e *failure) Unwrap() error { return e.cause }

func fail(fix, format string, args ...any) error {
	return &failure{message: fmt.Sprintf(format, args...), fix: fix}
}

// errSaid ends a verb that has said already why it failed.
var errSaid = errors.New("failed")

// report prints an error, its code and what to do about it, and returns the
// exit code.
func (c *cli) report(err error) int {
	var (
		use         *usageError
		settings    *config.Error
		problem     *client.Problem
		unreachable *client.Unreachable
		own         *failure
		typed       *fault.Error
	)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSaid):
		return exitFailed
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &use):
		c.complain(use.message, "", nil, "See `"+use.verb+" --help`.")
		return exitUsage
	case errors.As(err, &settings):
		var lines []string
		for _, p := range settings.Problems {
			lines = append(lines, p.String())
		}
		c.complain("the configuration is not valid", "", lines, "Correct it; `wayleave config keys` lists the settings.")
		return exitUsage
	case errors.As(err, &problem):
		c.complainProblem(problem)
	case errors.As(err, &unreachable):
		c.complain(unreachable.Error(), "", nil, "Start it with `wayleave serve`, or name it with --url or WAYLEAVE_URL.")
	case errors.As(err, &own):
		c.complain(own.message, "", nil, own.fix)
	case errors.As(err, &typed):
		var lines []string
		for _, p := range typed.Problems {
			lines = append(lines, strings.TrimPrefix(p.Path+": "+p.Message, ": "))
		}
		c.complain(typed.Msg, string(typed.Kind), lines, typed.Remedy())
	default:
		c.complain(err.Error(), "", nil, "")
	}
	return exitFailed
}

func (c *cli) complainProblem(p *client.Problem) {
	var lines []string
	for _, f := range p.Problems {
		lines = append(lines, strings.TrimPrefix(f.Path+": "+f.Message, ": "))
	}
	fix := p.Fix
	if p.RetryAfter > 0 {
		fix = strings.TrimSpace(fmt.Sprintf("%s Retry after %d s.", fix, p.RetryAfter))
	}
	if p.Link != "" {
		fix = strings.TrimSpace(fix + " " + p.Link)
	}
	c.complain(p.Message(), p.Code, lines, fix)
}

// complain writes a failure to standard error.
func (c *cli) complain(message, code string, lines []string, fix string) {
	if code != "" {
		message += " (" + code + ")"
	}
	_, _ = fmt.Fprintf(c.err, "wayleave: %s\n", printable(message))
	for _, line := range lines {
		_, _ = fmt.Fprintf(c.err, "  %s\n", printable(line))
	}
	if fix != "" {
		_, _ = fmt.Fprintf(c.err, "  → %s\n", printable(fix))
	}
}
