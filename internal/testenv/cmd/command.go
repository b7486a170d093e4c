package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// graceTime is how long the command may take to end after a signal.
const graceTime = 10 * time.Second

// runCommand runs the command in the environment. If it is a go test, its
// output is turned into a report; otherwise the report is nil.
func (e *environment) runCommand(ctx context.Context, args []string) (*report, error) {
	args, counted := withJSON(args)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = e.environ(), os.Stdout, os.Stderr
	// In a group of its own, it and all its children can be ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if !counted {
		return nil, e.runGroup(ctx, cmd)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = write
	rep, finished := newReport(os.Stdout), make(chan struct{})
	go func() {
		defer close(finished)
		rep.read(read)
	}()
	err = e.runGroup(ctx, cmd)
	_ = write.Close()
	<-finished
	rep.finish()
	return rep, err
}

// runGroup runs the command until it ends and leaves no process of its group.
func (e *environment) runGroup(ctx context.Context, cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	group := cmd.Process.Pid
	e.guard.watchGroup(group)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		e.endGroup(group)
		return commandError(err)
	case <-ctx.Done():
	}
	fmt.Println("interrupted: ending the command and the servers")
	_ = syscall.Kill(-group, syscall.SIGINT)
	select {
	case <-ended:
	case <-time.After(graceTime):
	}
	e.endGroup(group)
	return errInterrupted
}

// endGroup ends what the command left behind, such as servers of a test that
// panicked.
func (e *environment) endGroup(group int) {
	_ = syscall.Kill(-group, syscall.SIGKILL)
	e.guard.forgetGroup(group)
}

// commandError returns the command's exit code, whose reason it has shown.
func commandError(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exitError(max(exit.ExitCode(), 1)) // -1: ended by a signal
	}
	return err
}

// withJSON has a `go test` print events, from which tests are counted.
// Benchmarks are left as they are: their lines are the result.
func withJSON(args []string) (changed []string, counted bool) {
	if len(args) < 2 || args[0] != "go" || args[1] != "test" {
		return args, false
	}
	bench := func(arg string) bool { return strings.HasPrefix(strings.TrimLeft(arg, "-"), "bench") && arg[0] == '-' }
	if slices.Contains(args, "-json") || slices.ContainsFunc(args, bench) {
		return args, false
	}
	return slices.Concat(args[:2], []string{"-json"}, args[2:]), true
}
