package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/store"
)

// The test program runs itself as a child to be killed, or to be another user.
// The variable says what the child does, and to which URL: "write URL".
const childVariable = "WAYLEAVE_STORE_TEST_CHILD"

func runChild(what string) int {
	do, url, _ := strings.Cut(what, " ")
	run := map[string]func(url string) error{"write": writeForEver, "open": openAndClose}[do]
	if run == nil {
		fmt.Println("no such child:", do)
		return 2
	}
	if err := run(url); err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	return 0
}

// child returns a command that runs the test program as a child.
func child(do, url string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+do+" "+url)
	return cmd
}

func openAndClose(url string) error {
	s, err := store.Open(context.Background(), store.Config{URL: url, Timeout: time.Minute})
	if err != nil {
		return err
	}
	return s.Close()
}

// writeForEver makes connections and prints the id of each once it was
// acknowledged, with the number of the last change by then.
func writeForEver(url string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{URL: url, Timeout: time.Minute})
	if err != nil {
		return err
	}
	tenant := ids.New(ids.Tenant)
	if err := s.CreateTenant(ctx, access.Tenant{ID: tenant, Name: tenant}); err != nil {
		return err
	}
	for {
		id := ids.New("x")
		a := connections.Attempt{ID: ids.Attempt + id, Tenant: tenant, App: "notes", Environment: "dev"}
		if err := s.CreateAttempt(ctx, a); err != nil {
			return err
		}
		a.Version = 1
		cfg := credentials.AuthConfig{ID: ids.AuthConfig + id, Tenant: tenant, App: "notes", Environment: "dev", Name: id}
		c := connections.Connection{ID: ids.Connection + id, Tenant: tenant, App: "notes", Environment: "dev", Name: id, AuthConfig: cfg.ID}
		if err := s.Promote(ctx, a, &cfg, c); err != nil {
			return err
		}
		last, err := s.LastChange(ctx)
		if err != nil {
			return err
		}
		fmt.Println(tenant, id, last)
	}
}

// An ack is a write that a child was told to be done.
type ack struct {
	tenant, id string
	last       int64
}

// writeUntilKilled runs a child that writes, kills it once it acknowledged n
// writes, at whatever it is doing by then, and returns all it acknowledged.
func writeUntilKilled(t *testing.T, url string, n int) (acks []ack) {
	t.Helper()
	cmd := child("write", url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a ack
		if _, err := fmt.Sscan(lines.Text(), &a.tenant, &a.id, &a.last); err != nil {
			t.Errorf("the child says: %s", lines.Text())
			break
		}
		acks = append(acks, a)
		if len(acks) == n {
			_ = cmd.Process.Kill() // SIGKILL; what it printed until then is read on
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return acks
}
