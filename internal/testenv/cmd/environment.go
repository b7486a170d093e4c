package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// allServices in the order of the table.
var allServices = []testenv.Service{
	testenv.ServiceRedis, testenv.ServiceCluster, testenv.ServiceSentinel,
	testenv.ServicePostgres, testenv.ServiceVault,
}

// A row says how one service was had.
type row struct {
	service testenv.Service
	version string
	how     string // external, or where its program is from
	missing string // why it could not be had, on one line
}

// An environment is what a command runs in.
type environment struct {
	dir   string
	guard *guardClient
	rows  []row

	mu      sync.Mutex
	vars    map[string]string
	servers []*servers.Server
}

// newEnvironment makes the temporary folder and has it watched over.
func newEnvironment() (*environment, error) {
	dir, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, err
	}
	// PostgreSQL may run as another user, who must reach what is below.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	g, err := startGuard(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &environment{dir: dir, guard: g, vars: map[string]string{testenv.EnvDir: dir}}, nil
}

// close stops every server and removes what they kept.
func (e *environment) close() {
	var done sync.WaitGroup
	for _, s := range e.servers {
		done.Go(s.Stop)
	}
	done.Wait()
	_ = os.RemoveAll(e.dir)
	e.guard.dismiss()
}

// options are those of a server that all tests share.
func (e *environment) options() servers.Options {
	return servers.Options{Dir: e.dir, Detached: true, Started: e.guard.watch, Ended: e.guard.forget}
}

// keep notes servers to be stopped at the end.
func (e *environment) keep(list ...*servers.Server) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.servers = append(e.servers, list...)
}

// set sets a variable for the command.
func (e *environment) set(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.vars[name] = value
}

// environ returns the environment of the command.
func (e *environment) environ() []string {
	list := os.Environ()
	for name, value := range e.vars {
		list = append(list, name+"="+value) // the last of equal names counts
	}
	var missing strings.Builder
	for _, r := range e.rows {
		if r.missing != "" {
			fmt.Fprintf(&missing, "%s=%s\n", r.service, r.missing)
		}
	}
	return append(list, testenv.EnvMissing+"="+missing.String())
}

// printTable says which services there are.
func (e *environment) printTable(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "service\tversion\thow")
	for _, r := range e.rows {
		how := r.how
		if r.missing != "" {
			how = "MISSING: " + r.missing
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.service, r.version, how)
	}
	_ = t.Flush()
	fmt.Fprintln(out)
}

// unaccepted returns the missing services that are not in the comma-separated
// list of those that may be. In CI nothing may.
func (e *environment) unaccepted(allowed string, ci bool) []string {
	accepted := strings.Split(allowed, ",")
	var list []string
	for _, r := range e.rows {
		if r.missing != "" && (ci || !slices.Contains(accepted, string(r.service))) {
			list = append(list, string(r.service))
		}
	}
	return list
}
