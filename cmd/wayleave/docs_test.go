package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// githubStub is a definition that takes the place of GitHub's in the gallery, so
// that the pages' commands run as they are written without leaving this machine.
const githubStub = `schema: app/v1
app: { slug: github, title: GitHub, summary: Stands in for GitHub., categories: [dev-tools], revision: 1 }
hosts: ["ADDR"]
network: { private: ask, plain_http: true }
api: { base_url: "http://ADDR" }
auth:
  - { id: pat, type: bearer, title: Personal access token, fields: [{ name: token, title: Token }], apply: { header: { Authorization: "Bearer {{secret.token}}" } } }
test: { request: { method: GET, path: /user }, success: { status: [200] }, identity: { id: $.id, label: $.login } }
tools:
  - name: list_repositories
    title: List repositories
    description: List the repositories.
    annotations: { read_only: true, idempotent: true }
    input: { type: object, additionalProperties: false, properties: { visibility: { type: string, maxLength: 20 } } }
    request: { method: GET, path: /user/repos, query: { visibility: "{{input.visibility}}" } }
`

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// commandsOf returns the commands of a page, without those that another test
// runs: serve goes on in the background here, the demo has a script, and make
// builds and runs what is running already.
func commandsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			if line != "" && line != "wayleave serve" && !strings.HasPrefix(line, "make ") {
				all = append(all, line)
			}
		}
	}
	return all
}

// TestPages runs every command of the pages, in their order, each page against
// a new server.
func TestPages(t *testing.T) {
	for page, least := range map[string]int{"../../README.md": 4, "../../docs/cli.md": 45} {
		t.Run(filepath.Base(page), func(t *testing.T) {
			commands := commandsOf(t, page)
			if len(commands) < least {
				t.Fatalf("only %d commands found", len(commands))
			}
			w := newPageWorld(t)
			for _, command := range commands {
				if out, err := w.shell(command); err != nil {
					t.Fatalf("%s: %v\n%s", command, err, out)
				}
			}
		})
	}
}

// TestReadmeBegins sees that the first two commands of the README are the demo
// and the tests, and that make knows both.
func TestReadmeBegins(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if m := shellBlock.FindSubmatch(readme); m == nil || string(m[1]) != "make demo ARGS=--once\nmake test\n" {
		t.Errorf("the README begins with %q", m)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ndemo:", "wayleave demo $(ARGS)", "\ntest:"} {
		if !bytes.Contains(makefile, []byte(want)) {
			t.Errorf("the Makefile has no %q", want)
		}
	}
}

// pageWorld is a server with a GitHub of its own, and a directory in which
// commands are run.
type pageWorld struct {
	dir string
	env []string
}

func newPageWorld(t *testing.T) *pageWorld {
	t.Helper()
	const token = "github_pat_pages_0123456789"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(map[string]string{"/user": `{"id": 7, "login": "octo"}`, "/user/repos": `[{"name": "hello"}]`}[r.URL.Path]))
	}))
	t.Cleanup(upstream.Close)
	addr := strings.TrimPrefix(upstream.URL, "http://")
	dir := t.TempDir()
	for name, text := range map[string]string{"definitions/github.yaml": strings.ReplaceAll(githubStub, "ADDR", addr), "github-token": token + "\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	_ = l.Close()
	w := &pageWorld{dir: dir, env: append(clean(os.Environ()), "HOME="+dir, "WAYLEAVE_LISTEN="+listen,
		"WAYLEAVE_APPS_DIR="+filepath.Join(dir, "definitions"), "WAYLEAVE_EGRESS_ALLOW="+addr)}
	w.serve(t, "http://"+listen)
	return w
}

// clean leaves out what would let this user's settings in.
func clean(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, "WAYLEAVE_") && !strings.HasPrefix(entry, "XDG_") && !strings.HasPrefix(entry, "HOME=") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// serve runs the binary's serve until the test ends.
func (w *pageWorld) serve(t *testing.T, base string) {
	t.Helper()
	cmd := exec.Command("wayleave", "serve")
	cmd.Dir, cmd.Env = w.dir, w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve: %v\n%s", err, out.String())
		}
	})
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(base + "/readyz")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("the server did not become ready")
}

// shell runs one command as a person would type it.
func (w *pageWorld) shell(command string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
