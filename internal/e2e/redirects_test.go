package e2e_test

import (
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/server"
)

// TestRedirectsCarryNoCredential sends a call with every scheme into every kind
// of redirect, reading and writing: the host that it leads to is never asked,
// and the caller is told where the app wanted to send it.
func TestRedirectsCarryNoCredential(t *testing.T) {
	w := newWorld(t, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, fxDefinition)) })
	elsewhere := newUpstream(t, nil)
	up := newUpstream(t, elsewhere)
	for scheme, fields := range fxSchemes("redirects") {
		conn := w.connectFx("dev", scheme, fields, up.URL)
		slug := "fx-" + scheme
		w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": slug, "app": "fx", "bindings": []any{bind("dev", conn)}}), 201, "id")
		key := w.agent(slug, environmentsOf("dev"))
		for _, kind := range []string{"301", "302", "303", "307", "308", "relative", "userinfo", "file", "loop", "metadata"} {
			for _, tool := range []string{"behave", "misbehave"} {
				r := w.rest(key, "POST", "/v1/toolkits/"+slug+"/tools/"+tool, map[string]any{"arguments": map[string]any{"how": "redirect-" + kind}})
				if r.status < 400 || r.get("code") == "internal" {
					t.Errorf("%s, %s, redirect %s = %d %s", scheme, tool, kind, r.status, r.raw)
				}
			}
		}
		// The app's own redirects, to its own address, are followed when reading.
		if r := w.rest(key, "POST", "/v1/toolkits/"+slug+"/tools/behave", map[string]any{"arguments": map[string]any{"how": "redirect-same"}}); r.status != 200 && scheme != "path" && scheme != "body" {
			t.Errorf("%s, redirect to the app itself = %d %s", scheme, r.status, r.raw)
		}
	}
	if all, _ := elsewhere.requests(); all != "" {
		t.Errorf("the other host was asked:\n%.2000s", all)
	}
	if all, _ := up.requests(); !strings.Contains(all, "canary-bearer-redirects") {
		t.Error("the app was never sent a credential: the test shows nothing")
	}
}
