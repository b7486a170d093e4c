package apps

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/template"
)

// A condition decides by an answer's status, headers and body. Everything that
// is set must hold; the zero condition always does.
type condition struct {
	status []statusRange
	all    []check
	any    []check
}

// A statusRange is a status or several: 404, "4xx", "500-599".
type statusRange struct{ from, to int }

// A check looks at one header or one part of the body.
type check struct {
	path     *Path
	header   string
	exists   *bool
	equals   any // compared when hasEq; text for a header
	hasEq    bool
	in       []any
	matches  *regexp.Regexp
	contains string
}

func (c *condition) holds(a *Answer) bool {
	if c == nil {
		return true
	}
	if len(c.status) > 0 && !slices.ContainsFunc(c.status, func(r statusRange) bool { return r.from <= a.Status && a.Status <= r.to }) {
		return false
	}
	holds := func(k check) bool { return k.holds(a) }
	for _, k := range c.all {
		if !k.holds(a) {
			return false
		}
	}
	return len(c.any) == 0 || slices.ContainsFunc(c.any, holds)
}

func (k check) holds(a *Answer) bool {
	v, ok := k.value(a)
	if k.exists != nil && *k.exists != (ok && v != nil) {
		return false
	}
	if !ok {
		return k.exists != nil && !*k.exists && !k.compares()
	}
	switch {
	case k.hasEq && !same(v, k.equals):
		return false
	case k.in != nil && !slices.ContainsFunc(k.in, func(want any) bool { return same(v, want) }):
		return false
	case k.matches != nil && !k.matches.MatchString(plain(v)):
		return false
	case k.contains != "" && !contains(v, k.contains):
		return false
	}
	return true
}

func (k check) compares() bool {
	return k.hasEq || k.in != nil || k.matches != nil || k.contains != ""
}

func (k check) value(a *Answer) (any, bool) {
	if k.header != "" {
		values := a.Header.Values(k.header)
		return strings.Join(values, ", "), len(values) > 0
	}
	return a.find(k.path)
}

// same compares by JSON value, numbers by their worth: 1 equals 1.0.
func same(got, want any) bool {
	g, gok := got.(json.Number)
	w, wok := want.(json.Number)
	if gok && wok {
		return sameNumber(g, w)
	}
	switch want.(type) {
	case []any, map[string]any:
		a, err1 := json.Marshal(got)
		b, err2 := json.Marshal(want)
		return err1 == nil && err2 == nil && string(a) == string(b)
	}
	switch got.(type) {
	case []any, map[string]any:
		return false
	}
	return got == want
}

func sameNumber(a, b json.Number) bool {
	if len(a) > 40 || len(b) > 40 { // a Rat of 1e999999999 would take all memory
		return a == b
	}
	x, err1 := a.Float64()
	y, err2 := b.Float64()
	if err1 != nil || err2 != nil || x != y {
		return a == b
	}
	i, ok1 := new(big.Int).SetString(a.String(), 10)
	j, ok2 := new(big.Int).SetString(b.String(), 10)
	return !ok1 || !ok2 || i.Cmp(j) == 0 // large ids differ where floats do not
}

// contains reports whether a text holds want, or a list has it as an item.
func contains(v any, want string) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(item any) bool { return plain(item) == want })
	}
	return strings.Contains(plain(v), want)
}

// plain returns a scalar as text, and anything else as "".
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// A phrase is text about an answer: a template whose placeholders are paths.
type phrase struct {
	text  *template.Template
	paths map[string]*Path
}

// of returns the phrase for a, cleaned and cut to at most limit characters, and
// "" when a part is absent.
func (p *phrase) of(a *Answer, limit int) string {
	if p == nil {
		return ""
	}
	s, err := p.text.Render(template.Text, a.lookup(p.paths))
	if err != nil {
		return ""
	}
	return oneLine(s, limit)
}
