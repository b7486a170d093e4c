package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/internal/fault"
)

const longDoctor = `Looks at everything that a server with these settings needs, and says what is
broken and how to mend it. It changes nothing and needs no server to run.
The exit code is 1 if anything is broken.`

// How a check came out.
const (
	wellState   = "ok"
	unusedState = "-" // not configured, or made at the first start
	warnState   = "warning"
	brokenState = "broken"
)

// finding is what one check found.
type finding struct {
	Check   string `json:"check"`
	State   string `json:"state"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

func well(format string, args ...any) finding {
	return finding{State: wellState, Message: fmt.Sprintf(format, args...)}
}

func unused(format string, args ...any) finding {
	return finding{State: unusedState, Message: fmt.Sprintf(format, args...)}
}

func warned(fix, format string, args ...any) finding {
	return finding{State: warnState, Message: fmt.Sprintf(format, args...), Fix: fix}
}

func broken(fix, format string, args ...any) finding {
	return finding{State: brokenState, Message: fmt.Sprintf(format, args...), Fix: fix}
}

// brokenBy returns what an error says, as it would be told to a caller.
func brokenBy(err error) finding {
	f := fault.From(err)
	return broken(f.Remedy(), "%s", f.Msg)
}

// doctorTime bounds one check.
const doctorTime = 10 * time.Second

func newDoctor(c *cli) *cobra.Command {
	return c.settingFlags(&cobra.Command{Use: "doctor", Short: "Find what is broken, and how to mend it", Long: longDoctor, Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(cmd)
			if err != nil {
				return err
			}
			return c.doctor(cmd.Context(), cfg)
		}})
}

// doctor runs every check and prints what was found.
func (c *cli) doctor(ctx context.Context, cfg *config.Config) error {
	e := &examination{cfg: cfg, log: c.newLog(config.Log{Level: "error", Format: "auto"})}
	var rows []json.RawMessage
	broke := 0
	for _, check := range []struct {
		name string
		do   func(context.Context) finding
	}{
		{"config", e.settings}, {"data directory", e.dataDir}, {"port", e.port}, {"store", e.records}, {"key ring", e.keyRing},
		{"vault", e.vault}, {"redis", e.redis}, {"egress", e.egress}, {"apps", e.apps}, {"clock", e.clock},
	} {
		one, cancel := context.WithTimeout(ctx, doctorTime)
		f := check.do(one)
		cancel()
		f.Check = check.name
		if f.State == brokenState {
			broke++
		}
		raw, err := json.Marshal(f)
		if err != nil {
			return err
		}
		rows = append(rows, raw)
	}
	if err := c.printList(rows, "", column{"CHECK", "check"}, column{"STATE", "state"}, column{"WHAT", "message"}, column{"WHAT TO DO", "fix"}); err != nil {
		return err
	}
	if broke > 0 {
		return fail("", "%d of %d checks found something broken", broke, len(rows))
	}
	return nil
}
