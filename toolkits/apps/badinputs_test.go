package apps_test

import (
	"testing"
)

// badInputs names, for each kind of bad definition that is known from elsewhere,
// the case of [refused] that holds it. Two are no faults here and are held below.
var badInputs = map[string]string{
	"app-def-001-yaml-bomb": "alias bomb", "app-def-003-yaml-dup-key": "duplicate key", "app-def-004-yaml-multi-doc": "two documents",
	"app-def-005-yaml-tag-exec": "tag", "app-def-007-yaml-octal": "octal", "app-def-008-yaml-tabs": "tab",
	"app-def-013-unknown-field": "unknown field", "app-def-014-baseurl-file": "file", "app-def-015-baseurl-gopher": "gopher",
	"app-def-016-baseurl-ftp": "ftp", "app-def-017-baseurl-javascript": "javascript", "app-def-020-baseurl-fragment": "fragment",
	"app-def-023-baseurl-loopback": "loopback", "app-def-024-baseurl-decimal": "decimal address", "app-def-026-baseurl-octal": "octal address",
	"app-def-028-baseurl-v6mapped": "mapped address", "app-def-031-baseurl-azure-wire": "azure wire server",
	"app-def-032-baseurl-alibaba": "alibaba metadata", "app-def-033-baseurl-localhost-dot": "localhost with dot",
	"app-def-035-baseurl-idn-homograph": "homograph", "app-def-037-baseurl-port-99999": "port",
	"app-def-042-authorize-url-js": "script to authorize", "app-def-043-header-name-bad": "header name", "app-def-044-header-hop": "hop-by-hop",
	"app-def-050-tool-path-absolute": "absolute path", "app-def-053-path-param-undeclared": "undeclared input",
	"app-def-054-schema-invalid": "schema type", "app-def-055-schema-ref-remote": "remote ref", "app-def-057-desc-injection": "invisible words",
	"app-def-058-tools-10001": "too many tools",
}

func TestBadInputsAreAmongTheRefused(t *testing.T) {
	for id, name := range badInputs {
		if _, ok := refused[name]; !ok {
			t.Errorf("%s: there is no case %q", id, name)
		}
	}
}

// app-def-006-yaml-norway: a slug that some readers of YAML take for false.
func TestASlugThatReadsAsFalseIsAText(t *testing.T) {
	for _, slug := range []string{"no", "off", "yes", "null-island"} {
		if app := parse(t, "app", "app: { slug: "+slug+", title: T }"); app.Slug != slug {
			t.Errorf("the slug %s became %q", slug, app.Slug)
		}
	}
}

// app-def-039-template-host: a param in the host stays one label of it.
func TestAParamInTheHostStaysALabel(t *testing.T) {
	app := parse(t, "params", "params: [{ name: d, title: D, type: string, required: true, pattern: '^[a-z0-9-]+$' }]",
		"hosts", "hosts: ['{{params.d}}.example.com']", "api", "api: { base_url: 'https://{{params.d}}.example.com' }")
	for _, evil := range []string{"evil.com/#", "evil.com", "a/b", "a@b", "a:1", "", "a b", "Ａ"} {
		if params, err := app.CheckParams(map[string]any{"d": evil}); err == nil {
			if site, err := app.Site(params); err == nil {
				t.Errorf("the param %q leads to %s", evil, site.Base)
			}
		}
	}
}
