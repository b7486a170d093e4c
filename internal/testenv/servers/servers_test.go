package servers_test

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// answering returns the address of a server that answers anything with raw, and
// then hangs up.
func answering(t *testing.T, raw string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
			_, _ = conn.Write([]byte(raw))
		}
	}()
	return ln.Addr().String()
}

func TestRepliesOfRedis(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want, err string }{
		"status":          {raw: "+PONG\r\n", want: "PONG"},
		"number":          {raw: ":42\r\n", want: "42"},
		"text":            {raw: "$5\r\na\r\nbc\r\n", want: "a\r\nbc"},
		"empty text":      {raw: "$0\r\n\r\n"},
		"no value":        {raw: "$-1\r\n"},
		"no array":        {raw: "*-1\r\n"},
		"array":           {raw: "*2\r\n$1\r\na\r\n:7\r\n", want: "a\n7"},
		"nested array":    {raw: "*2\r\n*1\r\n+x\r\n+y\r\n", want: "x\ny"},
		"error":           {raw: "-ERR no such thing\r\n", err: "ERR no such thing"},
		"error in array":  {raw: "*2\r\n+x\r\n-ERR half\r\n", err: "ERR half"},
		"cut off":         {raw: "$5\r\nab", err: "EOF"},
		"another dialect": {raw: "HTTP/1.1 400 Bad Request\r\n", err: "unknown reply"},
		"no length":       {raw: "$x\r\n", err: "unknown reply"},
		"blank":           {raw: "\r\n", err: "empty reply"},
	} {
		got, err := servers.AskRedis(answering(t, tc.raw), "PING")
		if tc.err == "" && (err != nil || got != tc.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
		if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s: error %v, want %q", name, err, tc.err)
		}
	}
}

func TestErrorsDoNotShowAPassword(t *testing.T) {
	const password = "hunter2hunter2"
	for what, err := range map[string]error{
		"a URL of Redis that is none": func() error { _, err := servers.DialRedis("redis://u:" + password + "@h:port"); return err }(),
		"another scheme":              func() error { _, err := servers.DialRedis("http://u:" + password + "@127.0.0.1:1"); return err }(),
		"a PostgreSQL that is away":   servers.ExecPostgres("postgres://u:"+password+"@127.0.0.1:1/db", "SELECT 1"),
	} {
		if err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func TestTraversable(t *testing.T) {
	dir := t.TempDir()
	closed := filepath.Join(dir, "closed", "below")
	if err := os.MkdirAll(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(closed), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := servers.Traversable("/"); err != nil {
		t.Error(err)
	}
	if err := servers.Traversable(closed); err == nil || !strings.Contains(err.Error(), filepath.Dir(closed)) {
		t.Errorf("error %v, want one that names %s", err, filepath.Dir(closed))
	}
	if err := servers.Traversable(filepath.Join(dir, "absent")); err == nil {
		t.Error("a folder that is not there can be reached")
	}
}
