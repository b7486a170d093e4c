package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testenv"
)

// A lockedBuffer collects what a server prints while it runs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server that runs in this process.
type running struct {
	base    string
	printed *lockedBuffer
	stop    context.CancelFunc
	ended   chan int
}

// startServer runs serve with these variables on a free port until the test
// ends.
func startServer(t *testing.T, dir string, env ...string) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	_ = l.Close()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{base: "http://" + listen, printed: &lockedBuffer{}, stop: stop, ended: make(chan int, 1)}
	c := &cli{in: strings.NewReader(""), out: r.printed, err: r.printed, env: append([]string{"WAYLEAVE_DATA_DIR=" + dir, "WAYLEAVE_LISTEN=" + listen}, env...)}
	go func() { r.ended <- run(ctx, c, []string{"serve"}) }()
	t.Cleanup(func() { r.end() })
	return r
}

// end stops the server and returns its exit code.
func (r *running) end() int {
	r.stop()
	code := <-r.ended
	r.ended <- code
	return code
}

// becomes waits until /readyz answers with a status.
func (r *running) becomes(t *testing.T, status int) string {
	t.Helper()
	last := ""
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(r.base + "/readyz")
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if last = string(body); res.StatusCode == status {
			return last
		}
	}
	t.Fatalf("/readyz did not become %d: %s\n%s", status, last, r.printed)
	return ""
}

// TestPostgresAwayAndBack starts without its database, opens the doors once the
// database is there, and outlives its going away.
func TestPostgresAwayAndBack(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	pg.Stop()
	r := startServer(t, t.TempDir(), "WAYLEAVE_STORE_URL="+pg.URL)
	if body := r.becomes(t, http.StatusServiceUnavailable); !strings.Contains(body, `"store"`) {
		t.Errorf("/readyz does not name the store: %s", body)
	}
	pg.Start()
	r.becomes(t, http.StatusOK)
	pg.Stop()
	r.becomes(t, http.StatusServiceUnavailable)
	pg.Start()
	r.becomes(t, http.StatusOK)
	if code := r.end(); code != 0 {
		t.Errorf("exit %d\n%s", code, r.printed)
	}
}

// TestPostgresWrongPassword is config-021-pg-wrong-password: it refuses to
// start and does not show the password.
func TestPostgresWrongPassword(t *testing.T) {
	url := testenv.Postgres(t)
	scheme, rest, _ := strings.Cut(url, "://")
	_, host, ok := strings.Cut(rest, "@")
	if !ok {
		host = rest
	}
	wrong := scheme + "://nobody_here:WRONGPW@" + host
	r := startServer(t, t.TempDir(), "WAYLEAVE_STORE_URL="+wrong)
	select {
	case code := <-r.ended:
		r.ended <- code
		if printed := r.printed.String(); code != exitFailed || strings.Contains(printed, "WRONGPW") || !strings.Contains(printed, "user name or password") {
			t.Errorf("exit %d: %s", code, printed)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("it did not end: %s", r.printed)
	}
}

// TestRedisAwayAndBack sees that readiness follows Redis by itself.
func TestRedisAwayAndBack(t *testing.T) {
	rd := testenv.OwnRedis(t)
	rd.Stop()
	r := startServer(t, t.TempDir(), "WAYLEAVE_REDIS_URL="+rd.URL)
	if body := r.becomes(t, http.StatusServiceUnavailable); strings.Contains(body, `"name":"store","ok":false`) && strings.Contains(body, `"tracker"`) {
		t.Errorf("the store is blamed: %s", body)
	}
	rd.Start()
	r.becomes(t, http.StatusOK)
}

// TestVaultSealedAndBack sees that readiness follows Vault by itself.
func TestVaultSealedAndBack(t *testing.T) {
	v := testenv.OwnVault(t)
	for _, env := range []string{"dev", "staging", "prod"} {
		v.Write(v.Mount+"/keys/wl-"+env, map[string]any{"derived": true})
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(v.RootToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := []string{"WAYLEAVE_VAULT_ADDRESS=" + v.Addr, "WAYLEAVE_VAULT_MOUNT=" + v.Mount, "WAYLEAVE_VAULT_TOKEN_FILE=" + token}
	r := startServer(t, t.TempDir(), settings...)
	r.becomes(t, http.StatusOK)
	v.Seal()
	if body := r.becomes(t, http.StatusServiceUnavailable); !strings.Contains(body, `"sealer"`) {
		t.Errorf("/readyz does not name the sealer: %s", body)
	}
	v.Unseal()
	r.becomes(t, http.StatusOK)
	if strings.Contains(r.printed.String(), v.RootToken) {
		t.Error("the token is in the log")
	}
}
