package template

import (
	"fmt"
	"regexp"
	"strings"
)

// A Lookup gives the value that a template names, such as ("input", "owner").
// ok is false when there is none. Values are string, bool, json.Number or
// another number, nil, []any or map[string]any.
type Lookup func(root, name string) (value any, ok bool)

// A Ref is one placeholder of a template.
type Ref struct {
	Root   string // "input", "params", "secret"; "$" for a part of an answer
	Name   string // what follows the root and its dot, may be dotted; the whole path for "$"
	Multi  bool   // written {{root.name...}}: the value may hold several path segments
	Offset int    // byte offset of the placeholder in the source
}

// String returns the placeholder's name as written, such as "input.owner".
func (r Ref) String() string {
	if r.Root == "$" {
		return r.Name
	}
	return r.Root + "." + r.Name
}

// A Template is a parsed text with placeholders. It is immutable and safe for
// concurrent use.
type Template struct {
	src   string
	parts []part
}

// A part is literal text or, when ref is not nil, a placeholder.
type part struct {
	text string
	ref  *Ref
}

// A SyntaxError says where a template is wrong and how.
type SyntaxError struct {
	Offset int // in bytes, from 0
	Msg    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("at offset %d: %s", e.Offset, e.Msg) }

// maxSource bounds a template; the longest in practice are GraphQL queries.
const maxSource = 64 << 10

var (
	named  = regexp.MustCompile(`^([a-z][a-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)(\.\.\.)?$`)
	answer = regexp.MustCompile(`^\$(?:[.\[].*)?$`)
)

// Parse parses src. allow is asked about every placeholder and its error ends
// the parse; nil allows all. The error is a [*SyntaxError].
func Parse(src string, allow func(root, name string) error) (*Template, error) {
	if len(src) > maxSource {
		return nil, &SyntaxError{maxSource, fmt.Sprintf("a template is at most %d bytes long", maxSource)}
	}
	t := &Template{src: src}
	for at := 0; at < len(src); {
		open := strings.Index(src[at:], "{{")
		if open < 0 {
			t.literal(src[at:])
			break
		}
		t.literal(src[at : at+open])
		at += open
		if strings.HasPrefix(src[at:], "{{{{") {
			t.literal("{{")
			at += len("{{{{")
			continue
		}
		next, err := t.placeholder(at, allow)
		if err != nil {
			return nil, err
		}
		at = next
	}
	return t, nil
}

// literal adds text, joined with the literal before it.
func (t *Template) literal(text string) {
	if text == "" {
		return
	}
	if n := len(t.parts); n > 0 && t.parts[n-1].ref == nil {
		t.parts[n-1].text += text
		return
	}
	t.parts = append(t.parts, part{text: text})
}

// placeholder parses the placeholder that begins at offset at and returns the
// offset after it.
func (t *Template) placeholder(at int, allow func(root, name string) error) (int, error) {
	inner := t.src[at+2:]
	end := strings.Index(inner, "}}")
	if end < 0 {
		return 0, &SyntaxError{at, `"{{" is not closed by "}}"; a literal "{{" is written "{{{{"`}
	}
	ref, err := parseRef(strings.TrimSpace(inner[:end]), at)
	if err != nil {
		return 0, err
	}
	if allow != nil {
		if err := allow(ref.Root, ref.Name); err != nil {
			return 0, &SyntaxError{at, err.Error()}
		}
	}
	t.parts = append(t.parts, part{ref: &ref})
	return at + 2 + end + 2, nil
}

func parseRef(text string, at int) (Ref, error) {
	if answer.MatchString(text) {
		return Ref{Root: "$", Name: text, Offset: at}, nil
	}
	m := named.FindStringSubmatch(text)
	if m == nil {
		return Ref{}, &SyntaxError{at, `a placeholder is written {{root.name}}, such as {{input.owner}}; a literal "{{" is written "{{{{"`}
	}
	return Ref{Root: m[1], Name: m[2], Multi: m[3] != "", Offset: at}, nil
}

// MustParse is Parse for templates that are part of the program, such as the
// default of an auth scheme. It panics on an error.
func MustParse(src string) *Template {
	t, err := Parse(src, nil)
	if err != nil {
		panic("template " + src + ": " + err.Error())
	}
	return t
}

// Source returns the text that was parsed.
func (t *Template) Source() string { return t.src }

// Refs returns the placeholders in the order they stand.
func (t *Template) Refs() []Ref {
	var refs []Ref
	for _, p := range t.parts {
		if p.ref != nil {
			refs = append(refs, *p.ref)
		}
	}
	return refs
}

// Static returns the text of a template without placeholders, and whether it is
// one.
func (t *Template) Static() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].ref == nil:
		return t.parts[0].text, true
	}
	return "", false
}

// Sole returns the placeholder of a template that is nothing but one.
func (t *Template) Sole() (Ref, bool) {
	if len(t.parts) == 1 && t.parts[0].ref != nil {
		return *t.parts[0].ref, true
	}
	return Ref{}, false
}
