package apps_test

import (
	"errors"
	"net/url"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

func TestParseHost(t *testing.T) {
	for s, want := range map[string]apps.Host{
		"api.github.com":     {Name: "api.github.com"},
		"API.GitHub.com":     {Name: "api.github.com"},
		"*.slack.com":        {Name: "*.slack.com"},
		"127.0.0.1:8080":     {Name: "127.0.0.1", Port: 8080},
		"[::1]:8080":         {Name: "::1", Port: 8080},
		"[2001:DB8::1]":      {Name: "2001:db8::1"},
		"redis":              {Name: "redis"},
		"xn--bcher-kva.test": {Name: "xn--bcher-kva.test"},
	} {
		h, err := apps.ParseHost(s)
		if h != want || err != nil {
			t.Errorf("ParseHost(%q) = %v, %v; want %v", s, h, err, want)
		}
		if again, err := apps.ParseHost(h.String()); again != h || err != nil {
			t.Errorf("%q does not come back from %q: %v, %v", s, h.String(), again, err)
		}
	}
	for _, s := range []string{"", "*", "*.", "*.com", "*.127.0.0.1", "a..b", ".a.b", "a.b.", "a b.c", "a/b", "a@b.c", "a.b:0", "a.b:65536", "a.b:080", "a.b:",
		"::1", "[::1", "[1.2.3.4]", "[fe80::1%eth0]", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "1.2.3.4.5", "bücher.test", "a.*.b", "-a.b", "a-.b", "a\x00.b"} {
		if h, err := apps.ParseHost(s); err == nil {
			t.Errorf("ParseHost(%q) = %v; want an error", s, h)
		}
	}
}

func TestHostMatches(t *testing.T) {
	for _, tc := range []struct {
		pattern, host string
		port          int
		want          bool
	}{
		{"api.github.com", "api.github.com", 443, true},
		{"api.github.com", "API.GITHUB.COM", 443, true},
		{"api.github.com", "api.github.com", 80, true},
		{"api.github.com", "api.github.com", 8443, false},
		{"api.github.com", "xapi.github.com", 443, false},
		{"api.github.com", "api.github.com.evil.example", 443, false},
		{"*.slack.com", "a.slack.com", 443, true},
		{"*.slack.com", "a.b.slack.com", 443, true},
		{"*.slack.com", "slack.com", 443, false},
		{"*.slack.com", "evilslack.com", 443, false},
		{"*.slack.com", ".slack.com", 443, false},
		{"127.0.0.1:8080", "127.0.0.1", 8080, true},
		{"127.0.0.1:8080", "127.0.0.1", 80, false},
		{"[::1]:8080", "::1", 8080, true},
	} {
		h, err := apps.ParseHost(tc.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Matches(tc.host, tc.port); got != tc.want {
			t.Errorf("%s matches %s:%d: %v; want %v", tc.pattern, tc.host, tc.port, got, tc.want)
		}
	}
}

func TestSiteAllows(t *testing.T) {
	s := site(t, parse(t, "hosts", "hosts: [api.example.com, '*.files.example.com', 'alt.example.com:8443']"), nil)
	for u, want := range map[string]bool{
		"https://api.example.com/x":             true,
		"https://API.example.com/x":             true,
		"https://api.example.com:443/":          true,
		"https://a.files.example.com/":          true,
		"https://alt.example.com:8443/":         true,
		"https://alt.example.com/":              false,
		"https://files.example.com/":            false,
		"http://api.example.com/":               false,
		"https://api.example.com:80/":           false,
		"https://api.example.com:8443/":         false,
		"https://api.example.com./":             false,
		"https://user@api.example.com/":         false,
		"https://api.example.com.evil.example/": false,
		"https://evil.example/api.example.com":  false,
		"https:api.example.com":                 false,
		"//api.example.com/":                    false,
		"ftp://api.example.com/":                false,
		"https://127.0.0.1/":                    false,
	} {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Allows(parsed); got != want {
			t.Errorf("Allows(%s) = %v; want %v", u, got, want)
		}
	}
	if s.Allows(nil) {
		t.Error("no address is allowed")
	}
}

const storeParams = "params: [{ name: store, title: Store, type: string, required: true, pattern: '^[a-z0-9][a-z0-9-]{0,59}$', example: my-store }]"

func TestSite(t *testing.T) {
	app := parse(t, "params", storeParams, "hosts", "hosts: ['{{params.store}}.shops.example.com']",
		"api", "api: { base_url: 'https://{{params.store}}.shops.example.com/admin/{{params.store}}/', headers: { X-Store: '{{params.store}}' }, query: { v: '2' }, timeout: 5s, max_response_bytes: 2048 }")
	s := site(t, app, map[string]any{"store": "acme"})
	if s.Base.String() != "https://acme.shops.example.com/admin/acme" || len(s.Hosts) != 1 || s.Hosts[0].String() != "acme.shops.example.com" {
		t.Errorf("Base %s, Hosts %v", s.Base, s.Hosts)
	}
	if s.Header.Get("X-Store") != "acme" || s.Query.Get("v") != "2" || s.Timeout.String() != "5s" || s.MaxBytes != 2048 || s.Redirects != "none" {
		t.Errorf("Site = %+v", s)
	}
	for _, bad := range []any{"evil.com/#", "evil.com", "a/b", "A", "..", "", "a:443", "a@b", 7, nil, true, "а"} {
		if _, err := app.Site(map[string]any{"store": bad}); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("store %v: %v; want invalid_input", bad, err)
		}
	}
	if _, err := app.Site(map[string]any{"store": "acme", "base_url": "x"}); !errors.Is(err, fault.InvalidInput) {
		t.Errorf("an unknown param: %v", err)
	}
}

// Whatever is entered for a label, requests stay below the literal domain.
func TestLabelNeverLeavesTheDomain(t *testing.T) {
	app := parse(t, "params", "params: [{ name: store, title: Store, type: string, required: true, pattern: '^.*$' }]",
		"hosts", "hosts: ['{{params.store}}.shops.example.com']", "api", "api: { base_url: 'https://{{params.store}}.shops.example.com' }")
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9./:@#?%-]{1,30}`)).Draw(t, "store")
		s, err := app.Site(map[string]any{"store": v})
		if err != nil {
			return
		}
		suffix := ".shops.example.com"
		if h := s.Base.Host; len(h) <= len(suffix) || h[len(h)-len(suffix):] != suffix || s.Hosts[0].Name != h {
			t.Fatalf("%q leads to %s", v, h)
		}
	})
}

func ownAddress(t *testing.T, network, format string) *apps.App {
	return parse(t, "network", network, "params", "params: [{ name: base, title: Base, type: string, format: "+format+", required: true }]",
		"hosts", "hosts: ['{{params.base}}']", "api", "api: { base_url: '{{params.base}}' }")
}

func TestSiteOfAnAddressParam(t *testing.T) {
	open := ownAddress(t, "network: { private: ask, plain_http: true }", "http_url")
	for given, base := range map[string]string{
		"http://127.0.0.1:9090/":         "http://127.0.0.1:9090",
		"https://api.example.com/v1/":    "https://api.example.com/v1",
		" https://API.example.com ":      "https://api.example.com",
		"http://[::1]:8080/a%20b":        "http://[::1]:8080/a%20b",
		"http://notes:8080":              "http://notes:8080",
		"https://api.example.com/a/b%2F": "",
	} {
		s, err := open.Site(map[string]any{"base": given})
		if base == "" {
			if !errors.Is(err, fault.InvalidInput) {
				t.Errorf("%s: %v; want invalid_input", given, err)
			}
			continue
		}
		if err != nil || s.Base.String() != base || !s.Allows(s.Base) || len(s.Hosts) != 1 {
			t.Errorf("%s: %v, %v; want %s", given, s, err, base)
		}
	}
	for _, given := range []string{"file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://x.example/", "javascript:alert(1)", "https://api.example.com/#x",
		"https://api.example.com/?a=b", "https://u:p@api.example.com", "http://2130706433/", "http://0177.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://169.254.169.254/",
		"http://168.63.129.16/", "http://100.100.100.200/", "http://localhost./", "https://\u0430pi.example.com/", "http://api.example.com:99999/", "https://", "//x", "x",
		"https://api.example.com/../x", "https://*.example.com", "http://0.0.0.0/", "https://a\nb.example.com"} {
		if s, err := open.Site(map[string]any{"base": given}); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: %v, %v; want invalid_input", given, s, err)
		}
	}
	closed := ownAddress(t, "", "https_url")
	for _, given := range []string{"http://api.example.com", "https://127.0.0.1:8200/", "https://localhost/", "https://10.0.0.1", "https://notes", "https://db.internal", "https://[::1]/", "https://100.64.0.1"} {
		if s, err := closed.Site(map[string]any{"base": given}); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: %v, %v; want invalid_input where private is not asked for", given, s, err)
		}
	}
}

func TestSiteWithoutAnOptionalHost(t *testing.T) {
	app := parse(t, "params", "params: [{ name: server, title: Server, type: string, format: hostname }]", "hosts", "hosts: [api.example.com, '{{params.server}}']")
	if s := site(t, app, nil); len(s.Hosts) != 1 {
		t.Errorf("Hosts = %v; want one", s.Hosts)
	}
	if s := site(t, app, map[string]any{"server": "git.example.org"}); len(s.Hosts) != 2 || s.Hosts[1].Name != "git.example.org" {
		t.Errorf("Hosts = %v; want two", s.Hosts)
	}
}
