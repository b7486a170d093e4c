package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
	"github.com/wayleave/wayleave/internal/notes"
	"github.com/wayleave/wayleave/mcp/mcpclient"
)

// Keys of the sample product. They are looked for in every answer of the
// server, where they must never be.
var demoNotesKeys = map[string]string{"dev": "notes-key-dev-5d1c0a7e", "prod": "notes-key-prod-9b3f2e64"}

// demonstration is one run of demo: what was started, and what was made.
type demonstration struct {
	cli *cli
	dir string

	wg     sync.WaitGroup
	failed chan error // the server's end, before its time

	notes       map[string]string // environment → address of the workspace
	base        string
	admin       *client.Client
	attempt     string            // the one whose test failed
	connections map[string]string // environment → id
	keys        map[string]string // environment → key of its agent
	workflowKey string
	seen        []string // every answer of the server to the administrator
}

// demoStep is one step: what it is, and how it is done. do returns what to
// tell of it.
type demoStep struct {
	what string
	do   func(ctx context.Context) (said string, err error)
}

func (d *demonstration) steps() []demoStep {
	return []demoStep{
		{"start the sample product", d.startNotes},
		{"start the server", d.startServer},
		{"test a wrong key", d.wrongKey},
		{"correct the attempt", d.correct},
		{"connect prod", d.connectProd},
		{"make a toolkit", d.makeToolkit},
		{"make agents", d.makeAgents},
		{"call as an agent of dev", d.agentInDev},
		{"call as an agent of prod", d.agentInProd},
		{"refuse prod to the agent of dev", d.refuseProd},
		{"call as a workflow node", d.workflowNode},
		{"revoke a connection", d.revoke},
		{"connect prod again", d.reconnect},
		{"look for secrets", d.noSecrets},
	}
}

// wait waits for what was started, after its context ended.
func (d *demonstration) wait() { d.wg.Wait() }

// background runs a server until ctx ends.
func (d *demonstration) background(ctx context.Context, l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTime}
	d.wg.Go(func() { _ = s.Serve(l) })
	context.AfterFunc(ctx, func() { _ = s.Close() })
}

func (d *demonstration) startNotes(ctx context.Context) (string, error) {
	d.notes = map[string]string{}
	for env, key := range demoNotesKeys {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		d.notes[env] = "http://" + l.Addr().String()
		d.background(ctx, l, notes.New(notes.Config{Workspace: "acme-" + env, Environment: env, Keys: map[string]string{"nk_" + env: key}, Rate: 100}))
	}
	return fmt.Sprintf("The sample product notes runs, for dev at %s and for prod at %s.", d.notes["dev"], d.notes["prod"]), nil
}

func (d *demonstration) startServer(ctx context.Context) (string, error) {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return "", err
	}
	allow := []string{strings.TrimPrefix(d.notes["dev"], "http://"), strings.TrimPrefix(d.notes["prod"], "http://")}
	cfg, err := demoConfig(d.dir, l.Addr().String(), strings.Join(allow, ","))
	if err != nil {
		return "", err
	}
	ready := make(chan string, 1)
	d.failed = make(chan error, 1)
	d.wg.Go(func() { d.failed <- d.cli.serve(ctx, cfg, l, func(base string) { ready <- base }) })
	select {
	case d.base = <-ready:
	case err := <-d.failed:
		return "", fmt.Errorf("the server ended: %w", err)
	case <-ctx.Done():
		return "", ctx.Err()
	}
	key, err := readKey(filepath.Join(d.dir, adminKeyFile))
	if err != nil {
		return "", err
	}
	if d.admin, err = client.New(d.base, key); err != nil {
		return "", err
	}
	return fmt.Sprintf("Wayleave runs at %s on one SQLite file, a local key and nothing else.", d.base), nil
}

// send sends a request as the administrator and keeps the answer to look
// through at the end.
func (d *demonstration) send(ctx context.Context, method, path string, body, out any) error {
	raw, err := d.admin.Send(ctx, method, path, body, out)
	d.seen = append(d.seen, string(raw))
	var p *client.Problem
	if errors.As(err, &p) {
		text, _ := json.Marshal(p) // a struct of strings and numbers
		d.seen = append(d.seen, string(text))
	}
	return err
}

// begin makes an attempt to connect notes.
func (d *demonstration) begin(ctx context.Context, env, name, key string) (attempt string, err error) {
	var a struct{ ID string }
	err = d.send(ctx, http.MethodPost, "/v1/connections", map[string]any{
		"app": "notes", "environment": env, "name": name, "params": map[string]string{"base_url": d.notes[env]},
		"auth": map[string]any{"scheme": "key", "fields": map[string]string{"key": key}},
	}, &a)
	return a.ID, err
}

// test tests an attempt and keeps the connection it became.
func (d *demonstration) test(ctx context.Context, env, attempt string) (account string, err error) {
	var green struct {
		Connection struct {
			ID       string
			Status   string
			Identity struct{ Label string }
		}
	}
	if err := d.send(ctx, http.MethodPost, path("connections", attempt, "test"), nil, &green); err != nil {
		return "", err
	}
	if green.Connection.Status != "active" {
		return "", fmt.Errorf("the connection is %q, not active", green.Connection.Status)
	}
	d.connections[env] = green.Connection.ID
	return green.Connection.Identity.Label, nil
}

func (d *demonstration) wrongKey(ctx context.Context) (string, error) {
	d.connections = map[string]string{}
	attempt, err := d.begin(ctx, "dev", "Notes dev", "notes-key-wrong-00000000")
	if err != nil {
		return "", err
	}
	err = d.send(ctx, http.MethodPost, path("connections", attempt, "test"), nil, nil)
	var red *client.Problem
	if !errors.As(err, &red) {
		return "", fmt.Errorf("a wrong key was not refused: %v", err)
	}
	var kept struct {
		Status string
		Error  struct{ Code, Message string }
	}
	if err := d.send(ctx, http.MethodGet, path("attempts", attempt), nil, &kept); err != nil {
		return "", err
	}
	if kept.Status != "failed" || kept.Error.Code == "" {
		return "", fmt.Errorf("the attempt does not keep its failure: %+v", kept)
	}
	d.attempt = attempt
	return fmt.Sprintf("A wrong key fails its test: %s (%s). Nothing is connected; the attempt keeps the error.", kept.Error.Message, kept.Error.Code), nil
}

func (d *demonstration) correct(ctx context.Context) (string, error) {
	if err := d.send(ctx, http.MethodPatch, path("attempts", d.attempt), map[string]any{"fields": map[string]string{"key": demoNotesKeys["dev"]}}, nil); err != nil {
		return "", err
	}
	account, err := d.test(ctx, "dev", d.attempt)
	return fmt.Sprintf("The same attempt with the right key is green: \"Notes dev\" is connected as %s.", account), err
}

func (d *demonstration) connectProd(ctx context.Context) (string, error) {
	attempt, err := d.begin(ctx, "prod", "Notes prod", demoNotesKeys["prod"])
	if err != nil {
		return "", err
	}
	account, err := d.test(ctx, "prod", attempt)
	return fmt.Sprintf("\"Notes prod\" is connected as %s.", account), err
}

func (d *demonstration) bindings() []binding {
	return []binding{{Environment: "dev", Connection: d.connections["dev"]}, {Environment: "prod", Connection: d.connections["prod"]}}
}

func (d *demonstration) makeToolkit(ctx context.Context) (string, error) {
	err := d.send(ctx, http.MethodPost, "/v1/toolkits", map[string]any{"slug": "notes", "app": "notes", "bindings": d.bindings()}, nil)
	return "The toolkit notes offers its tools: in dev over the one connection, in prod over the other.", err
}

func (d *demonstration) makeAgents(ctx context.Context) (string, error) {
	d.keys = map[string]string{}
	type issued struct {
		Key struct{ Key string }
	}
	for _, env := range []string{"dev", "prod"} {
		var a issued
		if err := d.send(ctx, http.MethodPost, "/v1/agents", map[string]any{"name": "assistant-" + env, "grant": map[string]any{"environments": []string{env}}}, &a); err != nil {
			return "", err
		}
		d.keys[env] = a.Key.Key
	}
	var w issued
	err := d.send(ctx, http.MethodPost, "/v1/workflows", map[string]any{"name": "nightly", "grant": map[string]any{"environments": []string{"dev"}, "toolkits": []string{"notes"}}}, &w)
	d.workflowKey = w.Key.Key
	return "The agent assistant-dev is granted dev alone, assistant-prod prod alone, the workflow nightly the toolkit notes in dev.", err
}

// asAgent lists and calls as an agent of an environment, in one era of MCP.
func (d *demonstration) asAgent(ctx context.Context, env, era string) (tools []string, err error) {
	c, err := mcpclient.Dial(ctx, d.base+"/mcp", d.keys[env], era)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	list, err := c.Tools(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		tools = append(tools, t.Name)
	}
	if c.Protocol() != era || !slices.Contains(tools, "notes_list_notes") {
		return nil, fmt.Errorf("MCP %s lists %q", c.Protocol(), tools)
	}
	r, err := c.Call(ctx, "notes_list_notes", map[string]any{"limit": 5})
	if err != nil {
		return nil, err
	}
	if r.Failed || !strings.Contains(r.Text, "Welcome to "+env) {
		return nil, fmt.Errorf("the notes of %s did not come: %s", env, r.Text)
	}
	return tools, nil
}

func (d *demonstration) agentInDev(ctx context.Context) (string, error) {
	var tools []string
	for _, era := range []string{mcpclient.Legacy, mcpclient.Modern} {
		var err error
		if tools, err = d.asAgent(ctx, "dev", era); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("Over MCP %s and %s, assistant-dev sees %d tools; notes_list_notes reads \"Welcome to dev\".", mcpclient.Legacy, mcpclient.Modern, len(tools)), nil
}

func (d *demonstration) agentInProd(ctx context.Context) (string, error) {
	_, err := d.asAgent(ctx, "prod", mcpclient.Modern)
	return "assistant-prod calls the same tool by the same name and reads \"Welcome to prod\".", err
}

// inTime tries until fn says that it is so, for at most ten seconds. What
// is revoked is refused within one; the rest is for a machine that is busy.
func inTime(ctx context.Context, fn func() (bool, error)) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		ok, err := fn()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("it did not become so in time")
		}
		pause(ctx, 50*time.Millisecond)
	}
}
