package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/toolkits"
)

// BenchmarkWarmCall compares a tool call of a connection in use with the bare
// HTTP request that it comes down to. What Wayleave adds is the difference:
// authorisation, resolution, the credential, scrubbing, health and shaping.
func BenchmarkWarmCall(b *testing.B) {
	body, _ := json.Marshal(map[string]any{"id": "x", "text": strings.Repeat("text ", 200)})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/me" {
			_, _ = w.Write([]byte(`{"ok":true,"id":"u","label":"u"}`))
			return
		}
		_, _ = w.Write(body)
	}))
	b.Cleanup(up.Close)
	b.Run("bare request", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
		b.ReportAllocs()
		for b.Loop() {
			req, _ := http.NewRequestWithContext(b.Context(), "GET", up.URL+"/items/x", nil)
			req.Header.Set("Authorization", "Bearer token")
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})

	w := newWorld(b, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(b, fxDefinition)) })
	conn := w.connectFx("dev", "bearer", map[string]any{"token": "bench-token"}, up.URL)
	w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": "fx", "app": "fx", "bindings": []any{bind("dev", conn)}}), 201, "id")
	key := w.agent("bench", environmentsOf("dev"))
	b.Run("tool call", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := w.server.Authenticator.Authenticate(b.Context(), key)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.server.Runner.Run(b.Context(), benchCall(p)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchCall(p *access.Principal) toolkits.Call {
	return toolkits.Call{Principal: p, Tool: "fx_get_item", Arguments: json.RawMessage(`{"id":"x"}`)}
}
