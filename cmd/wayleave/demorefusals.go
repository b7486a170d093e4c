package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
	"github.com/wayleave/wayleave/mcp/mcpclient"
)

// refuseProd asks for prod with the key of dev, at both doors.
func (d *demonstration) refuseProd(ctx context.Context) (string, error) {
	_, err := d.asCaller(ctx, d.keys["dev"], "list_notes", map[string]any{"environment": "prod"}, "")
	if code := codeOf(err); code != "environment_denied" {
		return "", fmt.Errorf("REST answered %v", err)
	}
	c, err := mcpclient.Dial(ctx, d.base+"/mcp/prod", d.keys["dev"], mcpclient.Legacy)
	if err == nil {
		defer func() { _ = c.Close() }()
		r, err := c.Call(ctx, "notes_list_notes", nil)
		if err == nil && r.Code != "environment_denied" {
			return "", fmt.Errorf("MCP answered %+v", r)
		}
	}
	return "assistant-dev asks for prod and is refused at both doors (environment_denied).", nil
}

// called is the answer to a tool call over REST.
type called struct {
	Result      json.RawMessage
	Environment string
	Replayed    bool
	Connection  struct{ Name, Account string }
}

// asCaller calls a tool of the toolkit notes over REST.
func (d *demonstration) asCaller(ctx context.Context, key, tool string, body map[string]any, once string) (out called, err error) {
	cl, err := client.New(d.base, key)
	if err != nil {
		return out, err
	}
	r := client.Request{Method: http.MethodPost, Path: path("toolkits", "notes", "tools", tool), Body: body}
	if once != "" {
		r.Header = map[string]string{"Idempotency-Key": once}
	}
	raw, err := cl.Do(ctx, r)
	if err != nil {
		return out, err
	}
	d.seen = append(d.seen, string(raw))
	return out, json.Unmarshal(raw, &out)
}

func codeOf(err error) string {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// workflowNode writes a note twice under one idempotency key and sees that it
// was written once, in dev alone.
func (d *demonstration) workflowNode(ctx context.Context) (string, error) {
	body := map[string]any{"environment": "dev", "arguments": map[string]any{"title": "From the nightly workflow", "body": "Written over REST."}}
	var first called
	for i := range 2 {
		c, err := d.asCaller(ctx, d.workflowKey, "create_note", body, "nightly-1")
		if err != nil {
			return "", err
		}
		if i == 0 {
			first = c
		} else if string(c.Result) != string(first.Result) {
			return "", fmt.Errorf("the same idempotency key gave %s and %s", first.Result, c.Result)
		}
	}
	for env, want := range map[string]int{"dev": 1, "prod": 0} {
		found, err := d.asCaller(ctx, d.keys[env], "search_notes", map[string]any{"arguments": map[string]any{"query": "nightly workflow"}}, "")
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(found.Result), "From the nightly workflow"); n != want {
			return "", fmt.Errorf("%s has %d such notes, not %d", env, n, want)
		}
	}
	return fmt.Sprintf("The workflow nightly writes a note over REST on %q, twice with one Idempotency-Key: it is there once, and in dev alone.", first.Connection.Name), nil
}

func (d *demonstration) revoke(ctx context.Context) (string, error) {
	if err := d.send(ctx, http.MethodPost, path("connections", d.connections["prod"], "revoke"), nil, nil); err != nil {
		return "", err
	}
	err := inTime(ctx, func() (bool, error) {
		_, err := d.asCaller(ctx, d.keys["prod"], "list_notes", map[string]any{}, "")
		return codeOf(err) == "connection_revoked", nil
	})
	if err != nil {
		return "", err
	}
	if _, err := d.asCaller(ctx, d.keys["dev"], "list_notes", map[string]any{}, ""); err != nil {
		return "", fmt.Errorf("dev stopped, too: %w", err)
	}
	return "\"Notes prod\" is revoked: the next call is refused (connection_revoked), while dev goes on.", nil
}

func (d *demonstration) reconnect(ctx context.Context) (string, error) {
	attempt, err := d.begin(ctx, "prod", "Notes prod, again", demoNotesKeys["prod"])
	if err != nil {
		return "", err
	}
	if _, err := d.test(ctx, "prod", attempt); err != nil {
		return "", err
	}
	if err := d.send(ctx, http.MethodPatch, "/v1/toolkits/notes", map[string]any{"bindings": d.bindings()}, nil); err != nil {
		return "", err
	}
	err = inTime(ctx, func() (bool, error) {
		_, err := d.asCaller(ctx, d.keys["prod"], "list_notes", map[string]any{}, "")
		return err == nil, nil
	})
	return "Connected anew and bound in its place, prod works again; no agent had to be touched.", err
}

// noSecrets looks for the sample product's keys in all that the server
// answered.
func (d *demonstration) noSecrets(ctx context.Context) (string, error) {
	for _, list := range []string{"/v1/connections", "/v1/auth-configs", "/v1/toolkits", "/v1/agents", "/v1/keys"} {
		if err := d.send(ctx, http.MethodGet, list, nil, nil); err != nil {
			return "", err
		}
	}
	for _, text := range d.seen {
		for env, key := range demoNotesKeys {
			if strings.Contains(text, key) {
				return "", fmt.Errorf("an answer shows the key of %s", env)
			}
		}
	}
	return fmt.Sprintf("None of the server's %d answers shows a key of notes.", len(d.seen)), nil
}

// invite tells how to go on by hand.
func (d *demonstration) invite() {
	for env, key := range d.keys {
		_ = writeSecretFile(filepath.Join(d.dir, "assistant-"+env+".key"), key) // for convenience alone
	}
	file := filepath.Join(d.dir, "assistant-dev.key")
	snippet := mcpClients["cursor"].snippet(d.base + "/mcp")
	d.cli.say(`
Everything worked. Wayleave keeps running until Ctrl-C:

  MCP   %s/mcp
  REST  %s/v1

Call a tool as the agent of dev:

  wayleave call notes list_notes --url %s --key-file %s

Administer it:

  wayleave connections list --url %s --key-file %s

Tell an agent's client of it (others: wayleave mcp-config --help), with WAYLEAVE_KEY
set to the key in %s:

%s
`, d.base, d.base, d.base, file, d.base, filepath.Join(d.dir, adminKeyFile), file, snippet)
}
