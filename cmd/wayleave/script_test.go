package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wayleave/wayleave/internal/notes"
)

// TestMain lets the scripts run this binary as wayleave, and as notes, the
// sample product.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"wayleave": main,
		"notes":    notesMain,
	})
}

// notesMain serves a workspace of the sample product: notes ADDR ENVIRONMENT
// KEY. It ends with the first signal.
func notesMain() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &http.Server{Addr: os.Args[1], Handler: notes.New(notes.Config{
		Workspace: "acme", Environment: os.Args[2], Keys: map[string]string{"nk_1": os.Args[3]}, Rate: 1000})}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestScripts runs testdata/*.txtar. Each begins with what it guards.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds:                scriptCommands,
		Condition:           condition,
	})
}

// condition knows [permissions-bind]: whether file permissions bind this user.
func condition(name string) (bool, error) {
	if name == "permissions-bind" {
		return os.Getuid() != 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// setUp gives each script a home of its own and none of this user's settings.
func setUp(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	e.Setenv("HOME", home)
	e.Setenv("XDG_CONFIG_HOME", "")
	e.Setenv("XDG_DATA_HOME", "")
	return os.MkdirAll(home, 0o700)
}

type scriptCommand = func(ts *testscript.TestScript, neg bool, args []string)

var scriptCommands = map[string]scriptCommand{
	"freeport": freePort,
	"get":      get,
	"waitfor":  waitFor,
	"take":     take,
	"filemode": fileMode,
	"within":   within,
	"spoil":    spoil,
	"waitline": waitLine,
}

// freePort sets variables to ports of loopback that are free: freeport A B.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer func() { _ = l.Close() }()
		_, port, err := net.SplitHostPort(l.Addr().String())
		ts.Check(err)
		ts.Setenv(name, port)
	}
}

// get prints the status and the body of an answer: get URL [KEY-FILE].
func get(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	if len(args) > 1 {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[1])))
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if neg {
		if err == nil {
			_ = res.Body.Close()
			ts.Fatalf("%s answers", args[0])
		}
		return
	}
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	_, _ = fmt.Fprintf(ts.Stdout(), "%d %s\n", res.StatusCode, body)
}

// waitFor waits until a URL answers with a status: waitfor STATUS URL.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	cl := &http.Client{Timeout: 2 * time.Second}
	last := "nothing answered"
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := cl.Get(args[1])
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		last = fmt.Sprintf("%d %s", res.StatusCode, body)
		if fmt.Sprint(res.StatusCode) == args[0] {
			return
		}
	}
	ts.Fatalf("waiting for %s of %s: %s", args[0], args[1], last)
}

// waitLine waits until a file holds a text: waitline FILE TEXT.
func waitLine(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(text), args[1]) {
			return
		}
	}
	ts.Fatalf("%s does not say %q", args[0], args[1])
}

// take sets a variable to a member of the JSON on the last standard output:
// take NAME path.of.member.
func take(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	text, ok := find(v, args[1]).(string)
	if !ok {
		ts.Fatalf("standard output has no %s", args[1])
	}
	ts.Setenv(args[0], text)
}

// fileMode checks the permissions of a file: filemode 0600 FILE.
func fileMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// within checks that a time noted before is not longer ago than a duration:
// within start NAME, then within 15s NAME. The duration is a promise of the
// product, far above what it takes.
func within(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "start" {
		ts.Setenv("WITHIN_"+args[1], time.Now().Format(time.RFC3339Nano))
		return
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	began, err := time.Parse(time.RFC3339Nano, ts.Getenv("WITHIN_"+args[1]))
	ts.Check(err)
	if took := time.Since(began); took > limit {
		ts.Fatalf("took %v, more than %v", took, limit)
	}
}

// spoil overwrites 4 KiB at the beginning of a file: spoil FILE.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte(strings.Repeat("spoilt! ", 512)), 0)
	ts.Check(err)
	ts.Check(f.Close())
}
