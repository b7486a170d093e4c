package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/wayleave/wayleave/internal/testenv"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == guardArgument {
		guard(os.Stdin)
		return
	}
	only := flag.String("only", "", "services to start, comma-separated (default: all)")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: testenv [-only redis,redis-cluster,redis-sentinel,postgres,vault] -- command …")
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends us at once; the guard cleans up
	wanted, err := chosen(*only)
	if err == nil {
		err = run(ctx, wanted, flag.Args())
	}
	os.Exit(exitCode(err))
}

// chosen returns the services named in a comma-separated list, or all.
func chosen(list string) ([]testenv.Service, error) {
	if list == "" {
		return allServices, nil
	}
	var wanted []testenv.Service
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(allServices, testenv.Service(name)) {
			return nil, fmt.Errorf("there is no service %q", name)
		}
		wanted = append(wanted, testenv.Service(name))
	}
	return wanted, nil
}

// run provides the services, runs the command and cleans up.
func run(ctx context.Context, wanted []testenv.Service, args []string) error {
	e, err := newEnvironment()
	if err != nil {
		return err
	}
	defer e.close()
	provideTools(ctx)
	e.provide(ctx, wanted)
	if ctx.Err() != nil {
		return errInterrupted
	}
	e.printTable(os.Stdout)
	unaccepted := e.unaccepted(os.Getenv("ALLOW_MISSING"), os.Getenv("CI") == "true")
	if len(unaccepted) > 0 && os.Getenv("CI") == "true" {
		return fmt.Errorf("missing: %s; nothing may be missing where CI=true", strings.Join(unaccepted, ", "))
	}
	rep, err := e.runCommand(ctx, args)
	if len(unaccepted) > 0 {
		fmt.Printf("missing: %[1]s; what needs it was not tested. ALLOW_MISSING=%[1]s accepts that.\n", strings.Join(unaccepted, ","))
		if err == nil {
			err = exitError(1)
		}
	}
	if rep != nil {
		rep.printTotals()
		if err == nil && rep.failed > 0 {
			err = exitError(1)
		}
	}
	return err
}

// An exitError is an exit code whose reason has been shown.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// errInterrupted ends a run that was told to end, as shells report it.
const errInterrupted = exitError(130)

// exitCode says what went wrong, unless it was shown before, and returns the
// exit code for it.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if code, ok := err.(exitError); ok {
		return int(code)
	}
	fmt.Fprintln(os.Stderr, "testenv:", err)
	return 1
}
