package mcp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
)

// inBothEras calls a tool in the handshake era and in 2026-07-28.
func inBothEras(t *testing.T, b *bench, params string, check func(t *testing.T, modern bool, a answer)) {
	t.Helper()
	t.Run("handshake", func(t *testing.T) {
		check(t, false, b.post(t, "key-alice", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{`+params+`}}`))
	})
	t.Run("2026-07-28", func(t *testing.T) {
		body, header := modern("tools/call", params)
		check(t, true, b.post(t, "key-alice", "/mcp", body, header...))
	})
}

// TestResults: the text is the tool's own, byte for byte; structured content is
// the same, where the era knows it.
func TestResults(t *testing.T) {
	b := serve(t)
	for tool, want := range map[string]struct {
		text   string
		object bool
	}{
		"fx_get_item": {`{"tenant":"ten_a","arguments":{}}`, true},
		"fx_list":     {`[1,2,3]`, false},
		"fx_text":     {`"plain <b>&amp;</b> \"quoted\" \u2028 ü"`, false},
		"fx_null":     {`null`, false},
	} {
		inBothEras(t, b, `"name":"`+tool+`"`, func(t *testing.T, modern bool, a answer) {
			d := a.json(t)
			if d.Result == nil || d.Result.IsError || len(d.Result.Content) != 1 || d.Result.Content[0].Text != want.text {
				t.Fatalf("%s: %s", tool, a.body)
			}
			if structured := strings.Contains(a.body, `,"structuredContent":`+want.text); structured != (want.object || modern) {
				t.Errorf("%s: structured content: %v: %s", tool, structured, a.body)
			}
			meta := d.Result.Meta
			if meta["wayleave/environment"] != "dev" || meta["wayleave/connection"] != "conn_1" || meta["wayleave/account"] != "ops@example.com" {
				t.Errorf("%s: %v", tool, meta)
			}
			if info, ok := meta["io.modelcontextprotocol/serverInfo"].(map[string]any); ok != modern || ok && info["name"] != "wayleave" {
				t.Errorf("%s: %v", tool, meta)
			}
		})
	}
}

func TestCutResult(t *testing.T) {
	b := serve(t)
	inBothEras(t, b, `"name":"fx_cut"`, func(t *testing.T, _ bool, a answer) {
		r := a.json(t).Result
		if len(r.Content) != 2 || r.Meta["wayleave/truncated"] != true || r.Meta["wayleave/replayed"] != true {
			t.Error(a.body)
		}
	})
}

// TestContentWithoutText: a Result may come without its JSON.
func TestContentWithoutText(t *testing.T) {
	b := serve(t)
	b.tools.tools["fx_content"] = func(_ context.Context, _ toolkits.Call) (*toolkits.Result, error) {
		return &toolkits.Result{Text: []byte(`{"a":12345678901234567890}`)}, nil
	}
	inBothEras(t, b, `"name":"fx_content"`, func(t *testing.T, _ bool, a answer) {
		if r := a.json(t).Result; string(r.StructuredContent) != `{"a":12345678901234567890}` {
			t.Error(a.body)
		}
	})
}

// TestFailures: every failure of a tool is a result that says what went wrong and
// what to do, never an error that ends a conversation.
func TestFailures(t *testing.T) {
	b := serve(t)
	for tool, want := range map[string]struct {
		code  string
		meta  map[string]any
		lines []string
	}{
		"fx_expired": {"connection_expired", map[string]any{"wayleave/link": "https://wayleave.example/console/connections/conn_1"},
			[]string{`the connection "Sales" has expired`, "What to do: Ask an administrator to re-authorise the connection.", "Link: https://wayleave.example/console/connections/conn_1"}},
		"fx_limited":  {"rate_limited", map[string]any{"wayleave/retry_after": 2.0}, []string{"the app asks to slow down", "What to do: Wait, then try again.", "Try again after: 2 s"}},
		"fx_invalid":  {"invalid_input", nil, []string{"the arguments do not fit", "- /count: must be an integer", "What to do: Correct the request and send it again."}},
		"fx_missing":  {"not_found", nil, []string{"the app has no such item", "What to do: Check the name or id."}},
		"fx_internal": {"internal", nil, nil},
	} {
		inBothEras(t, b, `"name":"`+tool+`"`, func(t *testing.T, modern bool, a answer) {
			d := a.json(t)
			if a.status != 200 || !d.toolError() || (d.Result.ResultType == "complete") != modern {
				t.Fatalf("%s: %d %s", tool, a.status, a.body)
			}
			meta := d.Result.Meta
			if meta["wayleave/code"] != want.code || meta["wayleave/environment"] != "dev" {
				t.Errorf("%s: %v", tool, meta)
			}
			for key, value := range want.meta {
				if meta[key] != value {
					t.Errorf("%s: %s is %v, want %v", tool, key, meta[key], value)
				}
			}
			if text := strings.Join(want.lines, "\n"); text != "" && d.Result.Content[0].Text != text {
				t.Errorf("%s: says %q, want %q", tool, d.Result.Content[0].Text, text)
			}
		})
	}
}

// TestFailureNamesItsSource: when the Runner says what a failed call ran on, so
// does the answer.
func TestFailureNamesItsSource(t *testing.T) {
	b := serve(t)
	b.tools.tools["fx_gone"] = func(c context.Context, call toolkits.Call) (*toolkits.Result, error) {
		_, err := b.tools.tools["fx_expired"](c, call)
		return result(""), err
	}
	meta := b.post(t, "key-alice", "/mcp", callOf("fx_gone", "{}")).json(t).Result.Meta
	if meta["wayleave/connection"] != "conn_1" || meta["wayleave/connection_name"] != "Fixture Dev" || meta["wayleave/account"] != "ops@example.com" {
		t.Error(meta)
	}
}

// TestUnknownTool: a tool of another tenant is as unknown as one that does not
// exist; the answers differ in the name that was asked for and in nothing else.
func TestUnknownTool(t *testing.T) {
	b := serve(t)
	for _, era := range []bool{false, true} {
		said := map[string]bool{}
		for _, tool := range []string{"fx_hidden_of_b", "fx_no_such_one"} {
			body, header := callOf(tool, "{}"), []string(nil)
			if era {
				body, header = modern("tools/call", `"name":"`+tool+`","arguments":{}`)
			}
			a := b.post(t, "key-alice", "/mcp", body, header...)
			if a.json(t).code() != -32602 {
				t.Errorf("%s: %s", tool, a.body)
			}
			header = nil
			for name := range a.header {
				if name != "Date" && name != "Content-Length" {
					header = append(header, name)
				}
			}
			said[fmt.Sprint(a.status, len(header), strings.ReplaceAll(a.body, tool, "TOOL"))] = true
		}
		if len(said) != 1 {
			t.Errorf("the answers tell them apart: %v", said)
		}
	}
	if d := b.post(t, "key-bob", "/mcp", callOf("fx_hidden_of_b", "{}")).json(t); d.Result == nil || d.toolError() {
		t.Errorf("whose it is cannot call it: %+v", d)
	}
}

// TestArguments: what a model writes as arguments, and how it is told what is wrong.
func TestArguments(t *testing.T) {
	b := serve(t)
	for args, want := range map[string]string{
		`,"arguments":{}`:                          "",
		``:                                         "",
		`,"arguments":null`:                        "",
		`,"arguments":{"a":{"b":[1,1.50,1e2]}}`:    "",
		`,"arguments":"{\"id\":1}"`:                "arguments must be an object, got a string\nWhat to do: Send the object itself, not JSON text.",
		`,"arguments":[1]`:                         "arguments must be an object, got an array\nWhat to do: Send an object with the tool's arguments as its members.",
		`,"arguments":7`:                           "arguments must be an object, got a number\nWhat to do: Send an object with the tool's arguments as its members.",
		`,"arguments":true`:                        "arguments must be an object, got a boolean\nWhat to do: Send an object with the tool's arguments as its members.",
		`,"arguments":{"a":["x\u0000y"]}`:          "arguments hold a NUL character, which apps do not accept\nWhat to do: Send the text without it.",
		`,"arguments":{"\u0000":1}`:                "arguments hold a NUL character, which apps do not accept\nWhat to do: Send the text without it.",
		`,"arguments":{"a":"\ud83d"}`:              "arguments hold half of a surrogate pair, which apps do not accept\nWhat to do: Send the text without it.",
		`,"_meta":{"wayleave/idempotency_key":7}`:  "_meta wayleave/idempotency_key must be a string of 1 to 255 bytes\nWhat to do: Correct the request and send it again.",
		`,"_meta":{"wayleave/idempotency_key":""}`: "_meta wayleave/idempotency_key must be a string of 1 to 255 bytes\nWhat to do: Correct the request and send it again.",
	} {
		before := b.tools.calls.Load()
		a := b.post(t, "key-alice", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fx_get_item"`+args+`}}`)
		d := a.json(t)
		if d.Result == nil || d.Result.IsError != (want != "") {
			t.Errorf("%s: %s", args, a.body)
			continue
		}
		if want != "" && (d.Result.Content[0].Text != want || b.tools.calls.Load() != before) {
			t.Errorf("%s: says %q, want %q", args, d.Result.Content[0].Text, want)
		}
	}
}

// TestArgumentsUntouched: the tool gets the bytes that were sent.
func TestArgumentsUntouched(t *testing.T) {
	b := serve(t)
	args := `{ "big" : 12345678901234567890,"f":1.10, "s":"\u00fc\ud83d\ude00\/" , "n":null }`
	d := b.post(t, "key-alice", "/mcp", callOf("fx_get_item", args)).json(t)
	if want := `{"tenant":"ten_a","arguments":` + args + `}`; d.Result.Content[0].Text != want {
		t.Errorf("%s", d.Result.Content[0].Text)
	}
}

func TestIdempotencyKey(t *testing.T) {
	b := serve(t)
	inBothEras(t, b, `"name":"fx_create","arguments":{"name":"a","count":1}`, func(t *testing.T, _ bool, a answer) {
		if r := a.json(t).Result; string(r.StructuredContent) != `{"created":true}` {
			t.Error(a.body)
		}
	})
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fx_create","arguments":{"name":"a","count":1},"_meta":{"wayleave/idempotency_key":"k-1"}}}`
	if r := b.post(t, "key-alice", "/mcp", body).json(t).Result; string(r.StructuredContent) != `{"created":true,"key":"k-1"}` {
		t.Errorf("%s", r.StructuredContent)
	}
}

// TestToolNames: a name that no tool can have is refused before any tool is asked for.
func TestToolNames(t *testing.T) {
	b := serve(t, func(c *mcp.Config) { c.Tools = untouchable{t} })
	for _, name := range []string{`""`, `7`, `null`, `{}`, `"` + strings.Repeat("x", 129) + `"`} {
		a := b.post(t, "key-alice", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":`+name+`}}`)
		if a.json(t).code() != -32602 {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if a := b.post(t, "key-alice", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`); a.json(t).code() != -32602 {
		t.Errorf("no params: %s", a.body)
	}
}

// untouchable is a Tools that must not be asked.
type untouchable struct{ t *testing.T }

func (u untouchable) Toolset(context.Context, *access.Principal, environments.Name) (*toolkits.Toolset, error) {
	u.t.Error("Toolset was asked")
	return &toolkits.Toolset{}, nil
}

func (u untouchable) Run(_ context.Context, c toolkits.Call) (*toolkits.Result, error) {
	u.t.Errorf("%q was run", c.Tool)
	return result("1"), nil
}
