package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/notes"
	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/toolkits/apps"
	"github.com/wayleave/wayleave/toolkits/catalog"
)

// backends are what a server keeps its data on.
type backends struct {
	name  string
	setup func(t testing.TB, c *server.Config)
}

// embedded needs nothing installed; distributed is what replicas run on.
var (
	embedded = backends{"embedded", func(t testing.TB, c *server.Config) {
		dir := t.TempDir()
		c.StoreURL = "sqlite:" + filepath.Join(dir, "wayleave.db")
		c.LocalKey = filepath.Join(dir, "local.key")
	}}
	distributed = backends{"vault redis postgres", func(t testing.TB, c *server.Config) {
		c.StoreURL, c.RedisURL = testenv.Postgres(t), testenv.Redis(t)
		c.Vault = vaultConfig(testenv.Vault(t))
	}}
)

func eachBackends(t *testing.T, test func(t *testing.T, b backends)) {
	for _, b := range []backends{embedded, distributed} {
		t.Run(b.name, func(t *testing.T) { test(t, b) })
	}
}

// vaultConfig prepares a Vault the way docs/vault.md says and returns how to
// use it.
func vaultConfig(v *testenv.VaultServer) *transit.Config {
	for _, env := range []string{"dev", "staging", "prod"} {
		v.Write(v.Mount+"/keys/wl-"+env, map[string]any{"type": "aes256-gcm96", "derived": true})
	}
	policy := v.Policy(strings.ReplaceAll(transit.Policy, `"transit/`, `"`+v.Mount+`/`))
	return &transit.Config{Address: v.Addr, Mount: v.Mount, Auth: transit.Auth{Method: "token", Token: v.Token(policy)}}
}

// A world is a server with the products that it connects to.
type world struct {
	t      testing.TB
	config server.Config
	server *server.Server
	url    string
	admin  string // key of the system administrator
	log    *bytes.Buffer

	dev, prod *httptest.Server // the notes product in two environments
}

// Keys of the notes products.
const (
	devKey  = "notes-dev-key-7f3a"
	prodKey = "notes-prod-key-91bc"
)

// newWorld starts a server on the backends, and the notes product for dev and
// for prod. Options change the configuration first.
func newWorld(t testing.TB, b backends, options ...func(*server.Config)) *world {
	t.Helper()
	w := &world{t: t, log: &bytes.Buffer{}}
	w.dev = product(t, "dev", devKey)
	w.prod = product(t, "prod", prodKey)
	gallery, err := catalog.Apps()
	if err != nil {
		t.Fatal(err)
	}
	w.config = server.Config{Apps: gallery, Version: "test", KeySoft: time.Minute, KeyHard: 5 * time.Minute,
		Log: zerolog.New(zerolog.SyncWriter(w.log)).Level(zerolog.TraceLevel), Egress: egress.Policy{Allow: []egress.Rule{loopback(t)}}}
	b.setup(t, &w.config)
	for _, o := range options {
		o(&w.config)
	}
	w.server, w.url = start(t, w.config)
	key, made, err := w.server.Directory.FirstKey(t.Context())
	if err != nil || !made {
		t.Fatalf("FirstKey = %v, %v", made, err)
	}
	w.admin = key.Secret
	return w
}

// start runs a server on a port of its own until the test ends.
func start(t testing.TB, c server.Config) (*server.Server, string) {
	t.Helper()
	s, err := server.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("opening the server: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := s.Start(ctx)
	door := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		door.Close()
		stop()
		stopped()
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(end); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return s, door.URL
}

func loopback(t testing.TB) egress.Rule {
	rule, err := egress.ParseRule("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

func product(t testing.TB, env, key string) *httptest.Server {
	p := httptest.NewServer(notes.New(notes.Config{Workspace: "acme", Environment: env, Keys: map[string]string{"main": key}}))
	t.Cleanup(p.Close)
	return p
}

// A reply is what a REST request was answered.
type reply struct {
	status int
	header http.Header
	raw    []byte
	json   map[string]any
}

// rest sends a REST request with a key. body may be nil.
func (w *world) rest(key, method, path string, body any, headers ...string) reply {
	w.t.Helper()
	return send(w.t, w.url, key, method, path, body, headers...)
}

func send(t testing.TB, base, key, method, path string, body any, headers ...string) reply {
	t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, in)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, raw: raw}
	_ = json.Unmarshal(raw, &r.json) // not all answers are JSON
	return r
}

// must fails the test unless the reply has the status, and returns the member
// at a dotted path of its body.
func (w *world) must(r reply, status int, path string) string {
	w.t.Helper()
	if r.status != status {
		w.t.Fatalf("status %d, want %d: %s", r.status, status, r.raw)
	}
	return r.get(path)
}

// get returns the member at a dotted path as text; "" if there is none.
func (r reply) get(path string) string {
	var v any = r.json
	for _, name := range strings.Split(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[name]
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// connect makes a connection to a notes product through attempt and test.
func (w *world) connect(env, name, at, key string) string {
	w.t.Helper()
	attempt := w.must(w.rest(w.admin, "POST", "/v1/connections", map[string]any{
		"app": "notes", "environment": env, "name": name, "params": map[string]any{"base_url": at},
		"auth": map[string]any{"scheme": "key", "fields": map[string]any{"key": key}},
	}), 202, "id")
	return w.must(w.rest(w.admin, "GET", "/v1/connections/"+attempt+"/test", nil), 200, "connection.id")
}

// toolkit makes a toolkit of the notes app.
func (w *world) toolkit(slug string, bindings ...map[string]any) string {
	w.t.Helper()
	return w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": slug, "app": "notes", "bindings": bindings}), 201, "id")
}

func bind(env, connection string) map[string]any {
	return map[string]any{"environment": env, "connection": connection}
}

// agent makes an agent and returns its key.
func (w *world) agent(name string, grant map[string]any) string {
	w.t.Helper()
	return w.must(w.rest(w.admin, "POST", "/v1/agents", map[string]any{"name": name, "grant": grant}), 201, "key.key")
}

func (w *world) workflow(name string, grant map[string]any) string {
	w.t.Helper()
	return w.must(w.rest(w.admin, "POST", "/v1/workflows", map[string]any{"name": name, "grant": grant}), 201, "key.key")
}

func environmentsOf(names ...string) map[string]any { return map[string]any{"environments": names} }

// parse compiles an app definition for a test.
func parse(t testing.TB, definition string) *apps.App {
	t.Helper()
	app, err := apps.Parse("test.yaml", []byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return app
}
