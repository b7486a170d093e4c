package mcp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
)

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// TestSource: which values of Host and Origin are let in, over loopback.
func TestSource(t *testing.T) {
	b := serve(t)
	for name, tc := range map[string]struct {
		host, origin string
		status       int
	}{
		"as the client says it":              {"", "", 200},
		"localhost":                          {"localhost:1234", "", 200},
		"localhost without port":             {"localhost", "", 200},
		"LocalHost":                          {"LocalHost", "", 200},
		"IPv6 loopback":                      {"[::1]:8417", "", 200},
		"IPv6 loopback without port":         {"[::1]", "", 200},
		"another loopback address":           {"127.0.0.9:1", "", 200},
		"a configured host":                  {"wayleave.example", "", 200},
		"a configured host, any port":        {"WAYLEAVE.example:443", "", 200},
		"a configured host and port":         {"gate.example:8443", "", 200},
		"a configured host, another port":    {"gate.example:80", "", 403},
		"another host":                       {"evil.example", "", 403},
		"a configured host as prefix":        {"wayleave.example.evil.example", "", 403},
		"a configured host as suffix":        {"evilwayleave.example", "", 403},
		"localhost as prefix":                {"localhost.evil.example", "", 403},
		"a loopback address as prefix":       {"127.0.0.1.evil.example", "", 403},
		"the unspecified address":            {"0.0.0.0:8417", "", 403},
		"a private address":                  {"192.168.1.7", "", 403},
		"a configured origin":                {"", "https://chat.example", 200},
		"a configured origin in capitals":    {"", "HTTPS://Chat.Example", 200},
		"a loopback origin":                  {"", "http://localhost:6274", 200},
		"a loopback address as origin":       {"", "http://127.0.0.1:3000", 200},
		"an IPv6 loopback origin":            {"", "http://[::1]:3000", 200},
		"origin null":                        {"", "null", 403},
		"another origin":                     {"", "https://evil.example", 403},
		"a configured origin, http":          {"", "http://chat.example", 403},
		"a configured origin, another port":  {"", "https://chat.example:8443", 403},
		"a configured origin as prefix":      {"", "https://chat.example.evil.example", 403},
		"a configured origin as user":        {"", "https://chat.example@evil.example", 403},
		"localhost as user":                  {"", "http://localhost@evil.example", 403},
		"localhost as prefix of origin":      {"", "http://localhost.evil.example", 403},
		"a loopback origin with a path":      {"", "http://localhost/x", 403},
		"a scheme of its own":                {"", "chrome-extension://localhost", 403},
		"a file":                             {"", "file://", 403},
		"no URL":                             {"", "http://[::1", 403},
		"a host of ours as origin is no own": {"wayleave.example", "https://wayleave.example", 403},
	} {
		header := []string{"Origin", tc.origin}
		if tc.host != "" {
			header = append(header, "Host", tc.host)
		}
		a := b.post(t, "key-alice", "/mcp", ping, header...)
		if a.status != tc.status {
			t.Errorf("%s: %d, want %d: %s", name, a.status, tc.status, a.body)
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: a page may read the answer: %s", name, got)
		}
	}
}

// TestSourceElsewhere: a loopback origin is a page on the caller's machine, which
// means nothing to a server on another.
func TestSourceElsewhere(t *testing.T) {
	b := serve(t)
	r := newRequest(t, "key-alice", ping)
	r.Host = "wayleave.example"
	r.Header.Set("Origin", "http://localhost:6274")
	w := newRecorder()
	b.door.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	r = newRequest(t, "key-alice", ping)
	r.Header["Origin"] = []string{"https://chat.example", "https://evil.example"}
	w = newRecorder()
	b.door.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("two origins: %d: %s", w.Code, w.Body)
	}
}

// TestFront: what the front answers before a message is looked at, in its order.
func TestFront(t *testing.T) {
	b := serve(t, func(c *mcp.Config) {
		c.MaxBody = 1000
		c.ResourceMetadata = "https://wayleave.example/.well-known/oauth-protected-resource"
	})
	const metadata = `resource_metadata="https://wayleave.example/.well-known/oauth-protected-resource"`
	for name, tc := range map[string]struct {
		method, path, key, body string
		header                  []string
		status                  int
		want                    map[string]string // header → value
	}{
		"a good request": {status: 200, want: map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}},
		"bearer in lower case":   {header: []string{"Authorization", "bearer key-alice"}, status: 200},
		"two spaces":             {header: []string{"Authorization", "Bearer  key-alice"}, status: 200},
		"no key":                 {header: []string{"Authorization", ""}, status: 401, want: map[string]string{"WWW-Authenticate": `Bearer realm="wayleave", ` + metadata}},
		"an empty key":           {header: []string{"Authorization", "Bearer "}, status: 401},
		"no scheme":              {header: []string{"Authorization", "key-alice"}, status: 401},
		"a wrong key":            {key: "key-nobody", status: 401, want: map[string]string{"WWW-Authenticate": `Bearer realm="wayleave", error="invalid_token", ` + metadata}},
		"a key of 9 KiB":         {key: strings.Repeat("k", 9<<10), status: 401},
		"keys that can't be had": {key: "key-store-down", status: 503, want: map[string]string{"Retry-After": "2", "WWW-Authenticate": ""}},
		"a key first, then GET":  {method: "GET", key: "key-nobody", status: 401},
		"GET":                    {method: "GET", status: 405, want: map[string]string{"Allow": "POST"}},
		"DELETE":                 {method: "DELETE", status: 405, want: map[string]string{"Allow": "POST"}},
		"PUT":                    {method: "PUT", status: 405, want: map[string]string{"Allow": "POST"}},
		"OPTIONS":                {method: "OPTIONS", status: 405, want: map[string]string{"Access-Control-Allow-Methods": "", "Access-Control-Allow-Headers": ""}},
		"an environment":         {path: "/mcp/dev", status: 200},
		"a slash":                {path: "/mcp/", status: 200},
		"no environment's name":  {path: "/mcp/No_Such", status: 404},
		"a path below":           {path: "/mcp/dev/more", status: 404},
		"no content type":        {header: []string{"Content-Type", ""}, status: 415},
		"text/plain":             {header: []string{"Content-Type", "text/plain"}, status: 415},
		"a form":                 {header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415},
		"JSON of a kind":         {header: []string{"Content-Type", "application/json-patch+json"}, status: 415},
		"JSON in Latin 1":        {header: []string{"Content-Type", "application/json; charset=latin1"}, status: 415},
		"JSON in UTF-8":          {header: []string{"Content-Type", `application/JSON; charset="UTF-8"`}, status: 200},
		"compressed":             {header: []string{"Content-Encoding", "gzip"}, status: 415},
		"not compressed":         {header: []string{"Content-Encoding", "identity"}, status: 200},
		"too large":              {body: strings.Repeat(" ", 1001), status: 413},
		"as large as allowed":    {body: ping + strings.Repeat(" ", 1000-len(ping)), status: 200},
		"a notification":         {body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`, status: 202},
	} {
		t.Run(name, func(t *testing.T) {
			method, path, key, body := or(tc.method, "POST"), or(tc.path, "/mcp"), or(tc.key, "key-alice"), or(tc.body, ping)
			req, _ := http.NewRequestWithContext(t.Context(), method, b.URL+path, strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+key)
			req.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(tc.header); i += 2 {
				req.Header.Set(tc.header[i], tc.header[i+1])
				if tc.header[i+1] == "" {
					req.Header.Del(tc.header[i])
				}
			}
			a := b.do(t, req)
			if a.status != tc.status {
				t.Errorf("%d, want %d: %s", a.status, tc.status, a.body)
			}
			for name, want := range tc.want {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if a.status != 202 {
				a.json(t)
			} else if a.body != "" {
				t.Errorf("a notification was answered: %s", a.body)
			}
			if strings.Contains(a.body, key) || strings.Contains(b.log.String(), key) {
				t.Error("the key is told or logged")
			}
		})
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// TestLongKey: what is too long for a key is not even looked up.
func TestLongKey(t *testing.T) {
	long := strings.Repeat("k", 9<<10)
	b := serve(t, func(c *mcp.Config) { c.Auth = keyring{long: keys["key-alice"]} })
	if a := b.post(t, long, "/mcp", ping); a.status != http.StatusUnauthorized {
		t.Errorf("%d: %s", a.status, a.body)
	}
}

// TestTwoKeys: with two Authorization headers, one could be checked and the other
// be meant.
func TestTwoKeys(t *testing.T) {
	b := serve(t)
	r := newRequest(t, "key-alice", ping)
	r.Header.Add("Authorization", "Bearer key-bob")
	w := newRecorder()
	b.door.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

// TestUnannouncedBody: a body without Content-Length meets the same limit.
func TestUnannouncedBody(t *testing.T) {
	b := serve(t)
	for size, want := range map[int]int{5 << 20: 413, 4 << 20: 200, 100_000: 200} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+"/mcp",
			struct{ *strings.Reader }{strings.NewReader(ping + strings.Repeat(" ", size-len(ping)))})
		req.ContentLength = -1
		req.Header.Set("Authorization", "Bearer key-alice")
		req.Header.Set("Content-Type", "application/json")
		a := b.do(t, req)
		if a.status != want {
			t.Errorf("%d bytes: %d, want %d", size, a.status, want)
		}
		if d := a.json(t); want == 413 && d.Error.Data["code"] != string(fault.RequestTooLarge) {
			t.Errorf("%s", a.body)
		}
	}
}

// TestSlowBody: who does not send a body to its end does not keep a place. A call
// may take longer than that.
func TestSlowBody(t *testing.T) {
	b := serve(t, func(c *mcp.Config) { c.ReadTimeout = 30 * time.Millisecond })
	conn := dial(t, b.Server)
	_, err := io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer key-alice\r\n"+
		"Content-Type: application/json\r\nContent-Length: 99999\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), "HTTP/1.1 408 ") {
		t.Errorf("%.200q", got)
	}
	b.tools.tools["fx_slow"] = func(ctx context.Context, _ toolkits.Call) (*toolkits.Result, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return result("{}"), nil
		}
	}
	if a := b.post(t, "key-alice", "/mcp", callOf("fx_slow", "{}")); a.json(t).toolError() {
		t.Error(a.body)
	}
}

// TestEnvironments: the path names the environment; what is not granted is an
// error of the list and a failure of a call, which a model can read.
func TestEnvironments(t *testing.T) {
	b := serve(t)
	for name, tc := range map[string]struct {
		key, path string
		want      string // environment, or the code of the failure
	}{
		"the only one":          {"key-alice", "/mcp", "dev"},
		"the only one, named":   {"key-alice", "/mcp/dev", "dev"},
		"one of two":            {"key-carol", "/mcp/prod", "prod"},
		"none of two named":     {"key-carol", "/mcp", "invalid_input"},
		"not granted":           {"key-alice", "/mcp/prod", "environment_denied"},
		"not there":             {"key-alice", "/mcp/nowhere", "environment_denied"},
		"no environment at all": {"key-dave", "/mcp", "environment_denied"},
	} {
		call := b.post(t, tc.key, tc.path, callOf("fx_get_item", "{}")).json(t)
		list := b.post(t, tc.key, tc.path, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`).json(t)
		if call.Result == nil {
			t.Errorf("%s: the call is answered with an error: %+v", name, call.Error)
			continue
		}
		if !call.Result.IsError {
			if call.Result.Meta["wayleave/environment"] != tc.want || list.Result == nil {
				t.Errorf("%s: %+v, %+v", name, call.Result, list)
			}
			continue
		}
		if call.Result.Meta["wayleave/code"] != tc.want {
			t.Errorf("%s: %+v", name, call.Result)
		}
		if list.code() != -32602 || list.Error.Data["code"] != tc.want || list.Error.Data["fix"] == "" {
			t.Errorf("%s: %+v", name, list.Error)
		}
	}
}

// TestMountedBelow: the door finds the environment wherever it is mounted.
func TestMountedBelow(t *testing.T) {
	b := serve(t)
	w := newRecorder()
	r := newRequest(t, "key-carol", callOf("fx_get_item", "{}"))
	r.URL.Path = "/wayleave/mcp/prod"
	b.door.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `"wayleave/environment":"prod"`) {
		t.Error(w.Body)
	}
	w = httptest.NewRecorder()
	r = newRequest(t, "key-carol", ping)
	r.URL.Path = "/other"
	b.door.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
}
