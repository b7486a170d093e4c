package mcp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestEras: how the era of a message is told, and what 2026-07-28 demands.
func TestEras(t *testing.T) {
	const (
		v       = `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`
		caps    = `"io.modelcontextprotocol/clientCapabilities":{}`
		version = "MCP-Protocol-Version"
	)
	call := func(meta string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fx_list","_meta":{` + meta + `}}}`
	}
	good := []string{version, "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "fx_list"}
	with := func(pairs ...string) []string {
		header := slices.Clone(good)
		for i := 0; i < len(pairs); i += 2 {
			header[slices.Index(header, pairs[i])+1] = pairs[i+1]
		}
		return header
	}
	b := serve(t)
	for name, tc := range map[string]struct {
		body   string
		header []string
		status int
		code   int
		modern bool
	}{
		"handshake era, no header":          {call(""), nil, 200, 0, false},
		"handshake era, its header":         {call(""), []string{version, "2025-06-18"}, 200, 0, false},
		"handshake era, version in _meta":   {call(`"io.modelcontextprotocol/protocolVersion":"2025-11-25"`), nil, 200, 0, false},
		"a version that never was":          {call(""), []string{version, "2025-01-01"}, 400, -32022, false},
		"that version in _meta":             {call(`"io.modelcontextprotocol/protocolVersion":"2025-01-01"`), nil, 400, -32022, false},
		"2026-07-28":                        {call(v + "," + caps), good, 200, 0, true},
		"a name in Base64":                  {call(v + "," + caps), with("Mcp-Name", "=?base64?ZnhfbGlzdA==?="), 200, 0, true},
		"bad Base64":                        {call(v + "," + caps), with("Mcp-Name", "=?base64?%%?="), 400, -32020, false},
		"no header at all":                  {call(v + "," + caps), nil, 400, -32020, false},
		"no version header":                 {call(v + "," + caps), with(version, ""), 400, -32020, false},
		"an older version header":           {call(v + "," + caps), with(version, "2025-11-25"), 400, -32020, false},
		"no Mcp-Method":                     {call(v + "," + caps), with("Mcp-Method", ""), 400, -32020, false},
		"another Mcp-Method":                {call(v + "," + caps), with("Mcp-Method", "tools/list"), 400, -32020, false},
		"Mcp-Method in capitals":            {call(v + "," + caps), with("Mcp-Method", "TOOLS/CALL"), 400, -32020, false},
		"no Mcp-Name":                       {call(v + "," + caps), with("Mcp-Name", ""), 400, -32020, false},
		"another Mcp-Name":                  {call(v + "," + caps), with("Mcp-Name", "fx_create"), 400, -32020, false},
		"no version in the body":            {call(caps), good, 400, -32602, false},
		"an older version in the body":      {call(`"io.modelcontextprotocol/protocolVersion":"2025-11-25",` + caps), good, 400, -32020, false},
		"no _meta":                          {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fx_list"}}`, good, 400, -32602, false},
		"no capabilities":                   {call(v), good, 400, -32602, false},
		"capabilities that are no object":   {call(v + `,"io.modelcontextprotocol/clientCapabilities":[]`), good, 400, -32602, false},
		"a version that is no string":       {call(`"io.modelcontextprotocol/protocolVersion":20260728,` + caps), good, 400, -32602, false},
		"a version of tomorrow":             {call(`"io.modelcontextprotocol/protocolVersion":"2027-01-01",` + caps), with(version, "2027-01-01"), 400, -32022, false},
		"that version in the body alone":    {call(`"io.modelcontextprotocol/protocolVersion":"2027-01-01",` + caps), good, 400, -32020, false},
		"a prompt, which has a name header": {strings.Replace(call(v+","+caps), "tools/call", "prompts/get", 1), with("Mcp-Method", "prompts/get", "Mcp-Name", "x"), 400, -32020, false},
		"a resource without uri":            {strings.Replace(call(v+","+caps), "tools/call", "resources/read", 1), with("Mcp-Method", "resources/read"), 400, -32602, false},
	} {
		a := b.post(t, "key-alice", "/mcp", tc.body, tc.header...)
		d := a.json(t)
		if a.status != tc.status || d.code() != tc.code {
			t.Errorf("%s: %d, code %d, want %d, %d: %s", name, a.status, d.code(), tc.status, tc.code, a.body)
			continue
		}
		if string(d.ID) != "1" {
			t.Errorf("%s: the answer is for id %s", name, d.ID)
		}
		if d.Result != nil && (d.Result.ResultType == "complete") != tc.modern {
			t.Errorf("%s: %s", name, a.body)
		}
		if tc.code == -32022 && !strings.Contains(fmt.Sprint(d.Error.Data["supported"]), "2026-07-28 2025-11-25") {
			t.Errorf("%s: the versions that would do are not told: %s", name, a.body)
		}
	}
}

// TestMethods: each method in each era. What a stateless server of tools does not
// have is unknown, not half there.
func TestMethods(t *testing.T) {
	b := serve(t)
	for method, want := range map[string][2]int{ // code in the handshake era, in 2026-07-28
		"initialize":               {-32602, -32601}, // without its params
		"ping":                     {0, -32601},
		"server/discover":          {-32601, 0},
		"tools/list":               {0, 0},
		"subscriptions/listen":     {-32601, -32601},
		"logging/setLevel":         {-32601, -32601},
		"completion/complete":      {-32601, -32601},
		"resources/list":           {-32601, -32601},
		"resources/templates/list": {-32601, -32601},
		"resources/subscribe":      {-32601, -32601},
		"prompts/list":             {-32601, -32601},
		"tasks/list":               {-32601, -32601},
		"tasks/get":                {-32601, -32601},
		"tasks/cancel":             {-32601, -32601},
		"roots/list":               {-32601, -32601},
		"Tools/List":               {-32601, -32601},
		"no/such":                  {-32601, -32601},
	} {
		body := `{"jsonrpc":"2.0","id":1,"method":"` + method + `"}`
		if method == "initialize" {
			body = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":7}}`
		}
		if a := b.post(t, "key-alice", "/mcp", body); a.json(t).code() != want[0] || a.status != 200 {
			t.Errorf("%s, handshake era: %d %s, want %d", method, a.status, a.body, want[0])
		}
		body, header := modern(method, "")
		a := b.post(t, "key-alice", "/mcp", body, header...)
		status := 200
		if want[1] == -32601 {
			status = 404
		}
		if a.json(t).code() != want[1] || a.status != status {
			t.Errorf("%s, 2026-07-28: %d %s, want %d", method, a.status, a.body, want[1])
		}
	}
}

// TestIDsAreEchoed: exactly as they were sent, also through mcp-go, which reads
// numbers as float64.
func TestIDsAreEchoed(t *testing.T) {
	b := serve(t)
	for _, id := range []string{"0", "-1", "9007199254740993", "123456789012345678901234567890", `""`, `"a\u0062c"`, `"\"\\"`, `"ü"`} {
		for _, method := range []string{"ping", "tools/list", "no/such", "tools/call"} {
			a := b.post(t, "key-alice", "/mcp", `{"jsonrpc":"2.0","id":`+id+`,"method":"`+method+`"}`)
			if !strings.HasPrefix(a.body, `{"jsonrpc":"2.0","id":`+id+`,`) {
				t.Errorf("%s %s: %s", method, id, a.body)
			}
			a.json(t)
		}
	}
}
