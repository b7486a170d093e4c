package apps

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/fault"
)

// maxParam bounds a param's text.
const maxParam = 2048

// paramSet is the params of a definition by name.
type paramSet map[string]*Param

// allow lets a template name declared params and nothing else.
func (s paramSet) allow(root, name string) error {
	if root != "params" {
		return fmt.Errorf("only {{params.…}} can stand here, not {{%s.…}}", root)
	}
	if s[name] == nil {
		return fmt.Errorf("the param %q is not declared under params", name)
	}
	return nil
}

// CheckParams checks what a connection is given and returns it with defaults
// filled in: text as string, integers as json.Number, booleans as bool. Params
// that were left empty are absent. A form or a command line gives texts: "8080"
// and "true" are taken for an integer and a boolean.
//
// The error is an InvalidInput fault with every problem at once, Path
// "/params/<name>".
func (a *App) CheckParams(given map[string]any) (map[string]any, error) {
	var problems []fault.Problem
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(a.Params, func(p Param) bool { return p.Name == name }) {
			problems = append(problems, fault.Problem{Path: "/params/" + pointerToken(cut(name)), Message: a.Title + " has no such param" + didYouMean(name, a.paramNames())})
		}
	}
	out := make(map[string]any, len(a.Params))
	for i := range a.Params {
		p := &a.Params[i]
		v, err := p.check(given[p.Name])
		if err != nil {
			problems = append(problems, fault.Problem{Path: "/params/" + p.Name, Message: err.Error()})
		} else if v != nil {
			out[p.Name] = v
		}
	}
	if len(problems) > 0 {
		e := fault.New(fault.InvalidInput, "the params for %s do not fit", a.Title)
		e.Problems = problems
		return nil, e
	}
	return out, nil
}

func (a *App) paramNames() []string {
	names := make([]string, len(a.Params))
	for i, p := range a.Params {
		names[i] = p.Name
	}
	return names
}

// check returns v as CheckParams does, nil when it is absent.
func (p *Param) check(v any) (any, error) {
	if s, isText := v.(string); isText && p.Type == "string" {
		v = strings.TrimSpace(s)
	}
	if v == nil || v == "" {
		if p.Default != nil {
			return p.Default, nil
		}
		if p.Required {
			return nil, fmt.Errorf("is required: %s", p.Title)
		}
		return nil, nil
	}
	v, err := p.typed(v)
	if err != nil {
		return nil, err
	}
	if len(p.Enum) > 0 && !slices.ContainsFunc(p.Enum, func(want any) bool { return same(v, want) }) {
		return nil, fmt.Errorf("must be one of %s", listOf(p.Enum))
	}
	s, isText := v.(string)
	if !isText {
		return v, nil
	}
	return v, p.checkText(s)
}

func (p *Param) typed(v any) (any, error) {
	switch p.Type {
	case "integer":
		if n, ok := integer(v); ok {
			return n, nil
		}
		return nil, fmt.Errorf("must be an integer")
	case "boolean":
		switch v {
		case true, "true":
			return true, nil
		case false, "false":
			return false, nil
		}
		return nil, fmt.Errorf("must be true or false")
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return nil, fmt.Errorf("must be a text")
}

// integer returns a JSON number, Go number or text of digits as an integer.
func integer(v any) (json.Number, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	case int:
		return json.Number(strconv.Itoa(v)), true
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), true
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return "", false
		}
		return json.Number(strconv.FormatInt(int64(v), 10)), true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return "", false
	}
	return json.Number(strconv.FormatInt(n, 10)), true
}

func (p *Param) checkText(s string) error {
	if len(s) > maxParam || !utf8.ValidString(s) {
		return fmt.Errorf("must be UTF-8 text of at most %d bytes", maxParam)
	}
	if r, found := hidden(s); found || strings.Contains(s, "\n") {
		return fmt.Errorf("must be one line of visible characters%s", namesRune(r))
	}
	if p.pattern != nil && !p.pattern.MatchString(s) {
		return fmt.Errorf("must match %s%s", p.Pattern, p.forExample())
	}
	if err := checkFormat(p.Format, s); err != nil {
		return fmt.Errorf("%w%s", err, p.forExample())
	}
	return nil
}

func (p *Param) forExample() string {
	if s, ok := p.Example.(string); ok && s != "" {
		return ", for example " + s
	}
	return ""
}

func namesRune(r rune) string {
	if r == 0 {
		return ""
	}
	return fmt.Sprintf(", without U+%04X", r)
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// checkFormat checks s against a param's format; "" allows everything.
func checkFormat(format, s string) error {
	switch format {
	case "hostname", "host_port":
		h, err := ParseHost(s)
		if err == nil && (strings.HasPrefix(h.Name, "*") || format == "hostname" && h.Port != 0) {
			err = fmt.Errorf("must be a host name alone")
		}
		return err
	case "https_url", "http_url":
		_, err := parseBase(s, format == "http_url")
		return err
	case "uuid":
		if !uuidPattern.MatchString(s) {
			return fmt.Errorf("must be a UUID")
		}
	case "email":
		a, err := mail.ParseAddress(s)
		if err != nil || a.Address != s {
			return fmt.Errorf("must be an e-mail address")
		}
	}
	return nil
}

// Check checks one value that was entered for a field of x. The error is an
// InvalidInput fault that never repeats the value.
func (x *Auth) Check(field, value string) error {
	for i := range x.Fields {
		f := &x.Fields[i]
		if f.Name != field {
			continue
		}
		if msg := f.problem(value); msg != "" {
			e := fault.New(fault.InvalidInput, "%s %s", f.Title, msg)
			e.Problems = []fault.Problem{{Path: "/secrets/" + f.Name, Message: msg}}
			return e
		}
		return nil
	}
	names := make([]string, len(x.Fields))
	for i, f := range x.Fields {
		names[i] = f.Name
	}
	return fault.New(fault.InvalidInput, "%s has no field %q; it has: %s", x.Title, cut(field), strings.Join(names, ", "))
}

// maxField bounds an entered value; the longest are private keys and
// certificates.
const maxField = 64 << 10

func (f *Field) problem(value string) string {
	switch {
	case value == "":
		if f.Required {
			return "must not be empty"
		}
		return ""
	case len(value) > maxField || !utf8.ValidString(value):
		return "must be UTF-8 text of at most 64 KiB"
	case !f.Multiline && strings.ContainsAny(value, "\r\n\x00"):
		return "must be one line; check for a line break copied with it"
	case value != strings.TrimSpace(value) && !f.Multiline:
		return "begins or ends with a space; check what was copied"
	case f.pattern != nil && !f.pattern.MatchString(value):
		return "does not look right: it must match " + f.Pattern
	}
	return ""
}

// compilePattern compiles a pattern that must match a whole value. Go's regexp
// is RE2: it takes time linear in the value, whatever the pattern.
func compilePattern(src string) (*regexp.Regexp, error) {
	if !strings.HasPrefix(src, "^") || !strings.HasSuffix(src, "$") {
		return nil, fmt.Errorf("a pattern begins with ^ and ends with $, so that it says what the whole value is")
	}
	if len(src) > 1000 {
		return nil, fmt.Errorf("a pattern is at most 1000 characters long")
	}
	if _, err := regexp.Compile(src); err != nil {
		return nil, fmt.Errorf("not a pattern of RE2: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return regexp.Compile(`\A(?:` + src + `)\z`)
}
