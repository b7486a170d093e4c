package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/fault"
)

// A Position is where a rendered text goes, which decides how values are
// encoded and which are refused. Literal text is the definition's own and is
// checked when a definition is loaded; it is never encoded.
type Position int

// The positions of a template.
const (
	// Text is plain text that is not parsed again: a label, a member of a JSON
	// body (encoded by the JSON writer), a form value (encoded by the form
	// writer), the user name of HTTP basic.
	Text Position = iota
	// PathSegment is a request's path: every value is exactly one segment, all
	// but RFC 3986 unreserved characters percent-encoded. "", "." and ".." are
	// refused, also where literal text makes them. A {{root.name...}} value may
	// hold several segments, each under the same rule.
	PathSegment
	// PathPrefix is a path made of an administrator's values. As PathSegment,
	// but ":" and "@" stay as they are, as in /bot123:abc/; they are legal there
	// (RFC 3986 pchar), and only refused a caller because they can choose
	// another operation (/items/1:cancel).
	PathPrefix
	// QueryValue is the value of a query parameter, percent-encoded, ready to
	// follow the "=". Do not encode it again.
	QueryValue
	// HeaderValue is the value of a header or cookie: control characters are
	// refused, so it can neither end the header nor begin another.
	HeaderValue
	// HostLabel is one label of a host name: ^[a-z0-9-]{1,63}$, without a dash at
	// either end.
	HostLabel
)

// ErrAbsent is what Render fails with when a placeholder has no value. A caller
// for whom the value is optional leaves the whole text out.
var ErrAbsent = errors.New("has no value")

// absent is an ErrAbsent that also reads as InvalidInput at the doors.
func absent(r *Ref) error {
	return fault.Wrap(fault.InvalidInput, ErrAbsent, "%s has no value", r)
}

// Render returns the text with its values in place, encoded for pos. The error
// is an InvalidInput fault that names the placeholder and never its value;
// errors.Is(err, ErrAbsent) when there is none, which includes nil.
func (t *Template) Render(pos Position, look Lookup) (string, error) {
	if s, ok := t.Static(); ok {
		return s, checkPath(pos, s, nil)
	}
	var b strings.Builder
	var last *Ref
	for _, p := range t.parts {
		if p.ref == nil {
			b.WriteString(p.text)
			continue
		}
		last = p.ref
		v, err := render(pos, p.ref, look)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), checkPath(pos, b.String(), last)
}

// Value returns the value of a template that is exactly one placeholder with
// the type it has, and the rendered text of any other. ok is false when a value
// is absent. A nil that is there, a JSON null, is kept by the first form.
func (t *Template) Value(look Lookup) (v any, ok bool, err error) {
	if ref, sole := t.Sole(); sole {
		v, ok = look(ref.Root, ref.Name)
		return v, ok, nil
	}
	s, err := t.Render(Text, look)
	if errors.Is(err, ErrAbsent) {
		return nil, false, nil
	}
	return s, err == nil, err
}

func render(pos Position, r *Ref, look Lookup) (string, error) {
	v, ok := look(r.Root, r.Name)
	if !ok || v == nil {
		return "", absent(r)
	}
	s, ok := scalar(v)
	if !ok {
		return "", refuse(r, "must be one value here, not a list or an object")
	}
	if !utf8.ValidString(s) {
		return "", refuse(r, "is not valid UTF-8")
	}
	if r.Multi && pos != PathSegment && pos != PathPrefix {
		return "", refuse(r, "is written with ..., which only a path can hold")
	}
	return encode(pos, r, s)
}

func encode(pos Position, r *Ref, s string) (string, error) {
	switch pos {
	case PathSegment, PathPrefix:
		if r.Multi {
			return segments(pos, r, s)
		}
		return segment(pos, r, s)
	case QueryValue:
		return escape(s, ""), nil
	case HeaderValue:
		if i := strings.IndexFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }); i >= 0 {
			return "", refuse(r, "holds a control character, which a header cannot")
		}
		return s, nil
	case HostLabel:
		if !isLabel(s) {
			return "", refuse(r, "must be one label of a host name: up to 63 of a-z, 0-9 and dashes between them")
		}
		return s, nil
	}
	return s, nil
}

func segment(pos Position, r *Ref, s string) (string, error) {
	switch s {
	case "":
		return "", refuse(r, "is empty, which a path segment cannot be")
	case ".", "..":
		return "", refuse(r, "is %q, which names another place than its own", s)
	}
	if pos == PathPrefix {
		return escape(s, ":@"), nil
	}
	return escape(s, ""), nil
}

// segments encodes a relative path: one slash at the front is dropped, one at
// the end stays.
func segments(pos Position, r *Ref, s string) (string, error) {
	if strings.ContainsAny(s, "?#\\") {
		return "", refuse(r, "must be a path alone, without a query, fragment or backslash")
	}
	parts := strings.Split(strings.TrimPrefix(s, "/"), "/")
	for i, p := range parts {
		if p == "" && i == len(parts)-1 {
			continue
		}
		enc, err := segment(pos, r, p)
		if err != nil {
			return "", err
		}
		parts[i] = enc
	}
	return strings.Join(parts, "/"), nil
}

// checkPath refuses "." and ".." segments that literal text and values make
// together, such as ".{{input.name}}".
func checkPath(pos Position, path string, r *Ref) error {
	if pos != PathSegment && pos != PathPrefix {
		return nil
	}
	for s := range strings.SplitSeq(path, "/") {
		if s != "." && s != ".." {
			continue
		}
		if r == nil {
			return fault.New(fault.InvalidInput, "the path holds the segment %q", s)
		}
		return refuse(r, "makes the segment %q", s)
	}
	return nil
}

func refuse(r *Ref, format string, args ...any) error {
	return fault.New(fault.InvalidInput, "%s %s", r, fmt.Sprintf(format, args...))
}

// scalar returns v as text; ok is false for a list or an object.
func scalar(v any) (s string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

const upperHex = "0123456789ABCDEF"

// Escape percent-encodes s for a query name or value, or a path segment: all
// but RFC 3986 unreserved characters.
func Escape(s string) string { return escape(s, "") }

func escape(s, keep string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = unreserved(s[i]) || strings.IndexByte(keep, s[i]) >= 0
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+2*len(s)/3)
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved(c) || strings.IndexByte(keep, c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func isLabel(s string) bool {
	if len(s) < 1 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
