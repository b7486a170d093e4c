package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/mcp/mcpclient"
)

// TestToolArgs sends each bad argument at both doors: what is refused never
// reaches the app, and what is taken reaches it as data, where it belongs.
func TestToolArgs(t *testing.T) {
	w := newWorld(t, embedded, withFx(t))
	up := newUpstream(t, nil)
	conn := w.connectFx("dev", "header", map[string]any{"key": "tool-args-key"}, up.URL)
	w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": "fx", "app": "fx", "bindings": []any{bind("dev", conn)}}), 201, "id")
	key := w.agent("bot", environmentsOf("dev"))
	agent, err := mcpclient.Dial(t.Context(), w.url+"/mcp", key, mcpclient.Modern)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Close() })

	for _, in := range badInputs(t, "tool-args", 43) {
		arguments := in.argumentsText(t)
		t.Run(in.ID+"/REST", func(t *testing.T) {
			before, calls := up.requests()
			r := sendText(t, w.url, key, "POST", "/v1/toolkits/fx/tools/"+in.Tool, `{"arguments":`+arguments+`}`)
			if r.get("code") != in.Expect.Code || (r.status == 200) != (in.Expect.Code == "") {
				t.Errorf("%d %.300s, want %q", r.status, r.raw, in.Expect.Code)
			}
			in.arrived(t, up, before, calls, string(r.raw))
			alive(t, w, key)
		})
		if in.Raw != "" || in.B64 != "" {
			continue // no client of ours can send it; mcp sends such bytes itself
		}
		t.Run(in.ID+"/MCP", func(t *testing.T) {
			before, calls := up.requests()
			r, err := agent.Call(t.Context(), "fx_"+in.Tool, in.Arguments)
			if in.Expect.Code == "not_found" && err != nil {
				return // an unknown tool is an error of the protocol
			}
			if err != nil || r.Code != in.Expect.Code || r.Failed != (in.Expect.Code != "") {
				t.Errorf("%.300v %v, want %q", r, err, in.Expect.Code)
			}
			in.arrived(t, up, before, calls, r.Text)
			alive(t, w, key)
		})
	}
}

func alive(t *testing.T, w *world, key string) {
	t.Helper()
	r := w.rest(key, "POST", "/v1/toolkits/fx/tools/get_item", map[string]any{"arguments": map[string]any{"id": "alive"}})
	if r.status != 200 {
		t.Errorf("a call after it: %d %.300s", r.status, r.raw)
	}
}

// arrived checks what reached the app since before.
func (in badInput) arrived(t *testing.T, up *upstream, before string, calls int, answer string) {
	t.Helper()
	all, n := up.requests()
	if n-calls != in.Expect.Calls {
		t.Errorf("%d requests reached the app, want %d", n-calls, in.Expect.Calls)
	}
	request := strings.TrimPrefix(all[len(before):], "\n")
	for _, part := range in.Expect.Saw {
		if !strings.Contains(request, part) {
			t.Errorf("the app did not see %q: %.500s", part, request)
		}
	}
	for _, text := range in.Expect.Never {
		if strings.Contains(request, text) {
			t.Errorf("the app saw %q: %.500s", text, request)
		}
	}
	for _, name := range in.Expect.Names {
		if !strings.Contains(answer, name) {
			t.Errorf("the answer does not name %q: %.500s", name, answer)
		}
	}
	if in.Expect.Segment {
		line, _, _ := strings.Cut(request, "\n")
		segment, ok := strings.CutPrefix(line, "GET /items/")
		id, err := url.PathUnescape(segment)
		if !ok || err != nil || id != in.Arguments["id"] || strings.ContainsAny(segment, "/?#") {
			t.Errorf("%q arrived as %q: it must be one segment of the path", in.Arguments["id"], line)
		}
	}
}

func answerTo(t testing.TB, req *http.Request) reply {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, raw: raw}
	_ = json.Unmarshal(raw, &r.json)
	return r
}
