package apps_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// sections are the parts of a small valid definition, each of which a test can
// replace.
var sections = []struct{ name, yaml string }{
	{"schema", "schema: app/v1"},
	{"app", "app: { slug: sample, title: Sample }"},
	{"hosts", "hosts: [api.example.com]"},
	{"network", ""},
	{"params", ""},
	{"api", "api: { base_url: 'https://api.example.com/v1' }"},
	{"auth", "auth: [{ id: token, type: bearer, title: Token }]"},
	{"test", ""},
	{"errors", ""},
	{"limits", ""},
	{"pagination", ""},
	{"tools", ""},
	{"extra", ""},
}

// define returns the small definition with sections replaced: name, text, name,
// text and so on.
func define(replace ...string) string {
	var b strings.Builder
	for _, s := range sections {
		text := s.yaml
		for i := 0; i < len(replace); i += 2 {
			if replace[i] == s.name {
				text = replace[i+1]
			}
		}
		if text != "" {
			b.WriteString(strings.TrimRight(text, "\n") + "\n")
		}
	}
	return b.String()
}

// tool returns a tools section with one tool, its input properties and request.
func tool(required, properties, request string) string {
	return `tools:
  - name: act
    description: A tool of a test.
    input: { type: object, additionalProperties: false, required: [` + required + `], properties: {` + properties + `} }
    request: {` + request + "}\n"
}

func parse(t *testing.T, replace ...string) *apps.App {
	t.Helper()
	app, err := apps.Parse("sample.yaml", []byte(define(replace...)))
	if err != nil {
		t.Fatalf("%v\n%s", problems(err), define(replace...))
	}
	return app
}

func site(t *testing.T, app *apps.App, params map[string]any) *apps.Site {
	t.Helper()
	s, err := app.Site(params)
	if err != nil {
		t.Fatal(problems(err))
	}
	return s
}

// problems lists a fault's problems, one a line.
func problems(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	lines := []string{f.Msg}
	for _, p := range f.Problems {
		lines = append(lines, strings.TrimSpace(p.Path+" "+p.Message))
	}
	return strings.Join(lines, "\n")
}

func args(t *testing.T, s string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func sprint(v any) string { return fmt.Sprint(v) }
