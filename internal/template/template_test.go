package template_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
)

// values gives one value to every placeholder.
func values(m map[string]any) template.Lookup {
	return func(root, name string) (any, bool) {
		v, ok := m[root+"."+name]
		return v, ok
	}
}

func one(v any) template.Lookup { return func(_, _ string) (any, bool) { return v, true } }

func none(_, _ string) (any, bool) { return nil, false }

func TestParseRefuses(t *testing.T) {
	for src, offset := range map[string]int{
		"a {{input.x":        2,
		"{{}}":               0,
		"{{input}}":          0,
		"ab{{input.}}":       2,
		"{{input..x}}":       0,
		"{{Input.x}}":        0,
		"{{input.x | trim}}": 0,
		"{{{input.x}}}":      0,
		"{{input.x y}}":      0,
		"{{input.x..}}":      0,
		"{{$x}}":             0,
	} {
		_, err := template.Parse(src, nil)
		var syntax *template.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != offset {
			t.Errorf("Parse(%q) = %v; want a syntax error at %d", src, err, offset)
		}
	}
	if _, err := template.Parse(strings.Repeat("x", 65<<10), nil); err == nil {
		t.Error("a template of 65 KiB is taken")
	}
}

func TestParseAsksAboutEveryName(t *testing.T) {
	var asked []string
	tm, err := template.Parse("{{ input.a.b }}-{{params.c}}{{$.d[0]}}", func(root, name string) error {
		asked = append(asked, root+" "+name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(asked, ", "), "input a.b, params c, $ $.d[0]"; got != want {
		t.Errorf("asked about %s; want %s", got, want)
	}
	if refs := tm.Refs(); len(refs) != 3 || refs[1].Offset != 16 || refs[2].String() != "$.d[0]" {
		t.Errorf("Refs() = %v", refs)
	}
	no := errors.New("no such thing")
	if _, err := template.Parse("ab{{x.y}}", func(_, _ string) error { return no }); err == nil || err.Error() != "at offset 2: no such thing" {
		t.Errorf("a refused name gives %v", err)
	}
}

func TestRender(t *testing.T) {
	for name, tc := range map[string]struct {
		src  string
		pos  template.Position
		v    any
		want string
	}{
		"text as it is":              {"a {{x.y}}", template.Text, "ü\n\"", "a ü\n\""},
		"literal braces":             {"{{{{x}} {{x.y}}}}", template.Text, "1", "{{x}} 1}}"},
		"number":                     {"{{x.y}}", template.Text, json.Number("12345678901234567890"), "12345678901234567890"},
		"boolean":                    {"{{x.y}}", template.QueryValue, true, "true"},
		"float":                      {"{{x.y}}", template.Text, 1e21, "1000000000000000000000"},
		"slash in a segment":         {"/r/{{x.y}}/z", template.PathSegment, "a/b", "/r/a%2Fb/z"},
		"dots within a segment":      {"/{{x.y}}", template.PathSegment, "..;/a", "/..%3B%2Fa"},
		"encoded once more":          {"/{{x.y}}", template.PathSegment, "%2e%2e%2f", "/%252e%252e%252f"},
		"colon in a caller's value":  {"/{{x.y}}", template.PathSegment, "1:cancel", "/1%3Acancel"},
		"colon in our own":           {"/bot{{x.y}}", template.PathPrefix, "123:ab", "/bot123:ab"},
		"line break in a segment":    {"/{{x.y}}", template.PathSegment, "a\r\nX: 1", "/a%0D%0AX%3A%201"},
		"several segments":           {"/f/{{x.y...}}", template.PathSegment, "/a b/c%/d", "/f/a%20b/c%25/d"},
		"several, ending in a slash": {"/f/{{x.y...}}", template.PathSegment, "a/", "/f/a/"},
		"query":                      {"{{x.y}}", template.QueryValue, "a&b=c d+é", "a%26b%3Dc%20d%2B%C3%A9"},
		"header":                     {"Bearer {{x.y}}", template.HeaderValue, "tok", "Bearer tok"},
		"host label":                 {"{{x.y}}", template.HostLabel, "my-store", "my-store"},
	} {
		tm, err := template.Parse(tc.src, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := tm.Render(tc.pos, one(tc.v)); got != tc.want || err != nil {
			t.Errorf("%s: Render(%q) = %q, %v; want %q", name, tc.src, got, err, tc.want)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		src string
		pos template.Position
		v   any
	}{
		"empty segment":        {"/{{x.y}}", template.PathSegment, ""},
		"dot":                  {"/{{x.y}}", template.PathSegment, "."},
		"dot dot":              {"/{{x.y}}/a", template.PathSegment, ".."},
		"dot and dot":          {"/.{{x.y}}", template.PathSegment, "."},
		"parent among several": {"/{{x.y...}}", template.PathSegment, "a/../b"},
		"other host":           {"/{{x.y...}}", template.PathSegment, "//evil.example/x"},
		"address as a path":    {"/{{x.y...}}", template.PathSegment, "https://evil.example/"},
		"query in a path":      {"/{{x.y...}}", template.PathSegment, "a?b=1"},
		"backslash in a path":  {"/{{x.y...}}", template.PathSegment, `a\b`},
		"list":                 {"{{x.y}}", template.Text, []any{"a"}},
		"object":               {"/{{x.y}}", template.PathSegment, map[string]any{}},
		"not UTF-8":            {"{{x.y}}", template.Text, "\xff"},
		"CR LF":                {"{{x.y}}", template.HeaderValue, "a\r\nB: c"},
		"NUL":                  {"{{x.y}}", template.HeaderValue, "a\x00"},
		"DEL":                  {"{{x.y}}", template.HeaderValue, "a\x7f"},
		"dot in a label":       {"{{x.y}}", template.HostLabel, "evil.com"},
		"hash in a label":      {"{{x.y}}", template.HostLabel, "evil.com/#"},
		"capital in a label":   {"{{x.y}}", template.HostLabel, "A"},
		"long label":           {"{{x.y}}", template.HostLabel, strings.Repeat("a", 64)},
		"dash first":           {"{{x.y}}", template.HostLabel, "-a"},
		"several in a header":  {"{{x.y...}}", template.HeaderValue, "a"},
	} {
		tm := template.MustParse(tc.src)
		got, err := tm.Render(tc.pos, one(tc.v))
		if !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: Render = %q, %v; want invalid_input", name, got, err)
		}
		if s, _ := tc.v.(string); err != nil && len(s) > 3 && strings.Contains(err.Error(), s) {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}

func TestAbsent(t *testing.T) {
	tm := template.MustParse("a {{x.y}}")
	for name, look := range map[string]template.Lookup{"absent": none, "null": one(nil)} {
		if _, err := tm.Render(template.Text, look); !errors.Is(err, template.ErrAbsent) {
			t.Errorf("%s: Render gives %v; want ErrAbsent", name, err)
		}
		if _, ok, err := tm.Value(look); ok || err != nil {
			t.Errorf("%s: Value gives ok %v, %v", name, ok, err)
		}
	}
}

func TestValueKeepsTheType(t *testing.T) {
	sole := template.MustParse("{{x.y}}")
	for _, want := range []any{json.Number("7"), true, "text", nil, []any{"a"}, map[string]any{"b": "c"}} {
		v, ok, err := sole.Value(one(want))
		a, _ := json.Marshal(v)
		b, _ := json.Marshal(want)
		if !ok || err != nil || string(a) != string(b) {
			t.Errorf("Value of %v = %v, %v, %v", want, v, ok, err)
		}
	}
	if v, _, _ := template.MustParse("n{{x.y}}").Value(one(json.Number("7"))); v != "n7" {
		t.Errorf("a template with text around gives %v; want the text n7", v)
	}
	if v, ok, err := template.MustParse("plain").Value(none); v != "plain" || !ok || err != nil {
		t.Errorf("a static template gives %v, %v, %v", v, ok, err)
	}
	if _, _, err := template.MustParse("n{{x.y}}").Value(one([]any{})); !errors.Is(err, fault.InvalidInput) {
		t.Errorf("a list within a text gives %v", err)
	}
}

// Whatever a value is, a path has the segments that its definition has, and they
// decode to the value.
func TestOneSegmentPerValue(t *testing.T) {
	tm := template.MustParse("/items/{{x.a}}/parts/{{x.b}}")
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		got, err := tm.Render(template.PathSegment, values(map[string]any{"x.a": a, "x.b": b}))
		if err != nil {
			if a != "" && a != "." && a != ".." && b != "" && b != "." && b != ".." {
				t.Fatalf("refused %q and %q: %v", a, b, err)
			}
			return
		}
		segments := strings.Split(got, "/")
		if len(segments) != 5 {
			t.Fatalf("%q has %d segments", got, len(segments)-1)
		}
		if back, err := url.PathUnescape(segments[2]); err != nil || back != a {
			t.Fatalf("%q decodes to %q, %v; want %q", segments[2], back, err, a)
		}
	})
}

// Whatever a value is, a query has one parameter, and it decodes to the value.
func TestOneParameterPerValue(t *testing.T) {
	tm := template.MustParse("{{x.a}}")
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.String().Draw(t, "a")
		got, err := tm.Render(template.QueryValue, values(map[string]any{"x.a": a}))
		if err != nil {
			t.Fatal(err)
		}
		q, err := url.ParseQuery("k=" + got)
		if err != nil || len(q) != 1 || len(q["k"]) != 1 || q.Get("k") != a {
			t.Fatalf("%q parses as %v, %v; want one k of %q", got, q, err, a)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a", "{{input.a}}", "{{{{", "{{ $.a[0] }} x", "{{a.b...}}", "}}{{", "{{input.a}}{{{{}}{{b.c}}"} {
		f.Add(s, "v")
	}
	f.Fuzz(func(t *testing.T, src, v string) {
		tm, err := template.Parse(src, nil)
		if err != nil {
			return
		}
		if tm.Source() != src {
			t.Fatalf("Source() = %q; want %q", tm.Source(), src)
		}
		for _, r := range tm.Refs() {
			if r.Offset < 0 || !strings.HasPrefix(src[r.Offset:], "{{") {
				t.Fatalf("offset %d of %q is no placeholder", r.Offset, src)
			}
		}
		if h, err := tm.Render(template.HeaderValue, one(v)); err == nil && len(tm.Refs()) > 0 && !strings.ContainsAny(src, "\r\n\x00") && strings.ContainsAny(h, "\r\n\x00") {
			t.Fatalf("a header became %q", h)
		}
		if p, err := tm.Render(template.PathSegment, one(v)); err == nil && !strings.ContainsAny(src, "/?#") && strings.ContainsAny(p, "?#") {
			t.Fatalf("a path became %q", p)
		}
	})
}
