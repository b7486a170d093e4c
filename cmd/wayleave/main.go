package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(realMain()) }

// realMain runs the command line of this process and returns its exit code.
func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end; from then on the default
	// applies, so that a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	// net/http writes what apps send unasked to the standard log, and knows no
	// other place for it. It may hold anything.
	log.SetOutput(io.Discard)
	return run(ctx, &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ()}, os.Args[1:])
}

// run runs one command line and returns the exit code: 0 done, 1 failed, 2
// called or configured wrongly, 130 interrupted.
func run(ctx context.Context, c *cli, args []string) int {
	root := newRoot(c)
	root.SetArgs(args)
	return c.report(root.ExecuteContext(ctx))
}
