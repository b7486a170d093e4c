package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// strictJSON is the format of bodies. It refuses what encoding/json lets pass,
// and its errors repeat nothing of the input.
var strictJSON = huma.Format{Marshal: writeJSON, Unmarshal: readJSON}

// writeJSON writes v without escaping what is harmless outside HTML.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// readJSON reads a body. huma calls it twice, first for any value to validate;
// that is when the text itself is looked at.
func readJSON(text []byte, v any) error {
	if _, first := v.(*any); first {
		if err := checkText(text); err != nil {
			return err
		}
	}
	return plain(json.Unmarshal(text, v))
}

// checkText refuses text that is not UTF-8, and a member that is there twice,
// of which two readers may each see another one.
func checkText(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("the body is not valid UTF-8")
	}
	if !json.Valid(text) {
		return errors.New("the body is not valid JSON")
	}
	return checkTwice(text)
}

// An object is one that is being read: the names so far, and whether the next
// string is a name. A list has no names.
type object struct {
	names map[string]bool
	name  bool
}

// checkTwice looks for members that are there twice in valid JSON.
func checkTwice(text []byte) error {
	var open []object
	for i := 0; i < len(text); i++ {
		var inner *object
		if len(open) > 0 {
			inner = &open[len(open)-1]
		}
		switch text[i] {
		case '{':
			open = append(open, object{map[string]bool{}, true})
		case '[':
			open = append(open, object{})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			inner.name = inner.names != nil
		case '"':
			end := endOfString(text, i)
			if inner != nil && inner.name {
				if err := inner.add(text[i:end]); err != nil {
					return err
				}
			}
			i = end - 1
		}
	}
	return nil
}

// add notes a name as it stands in the text.
func (o *object) add(quoted []byte) error {
	var name string
	if err := json.Unmarshal(quoted, &name); err != nil {
		return errors.New("the body is not valid JSON")
	}
	if o.names[name] {
		return fmt.Errorf("the member %s is there twice", shown(name))
	}
	o.names[name], o.name = true, false
	return nil
}

// endOfString returns where the string that begins at i ends.
func endOfString(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// plain says what a decoder found wrong in words that do not quote the input.
func plain(err error) error {
	var (
		kind *json.UnmarshalTypeError
		when *time.ParseError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		return fmt.Errorf("the member %s has the wrong type, or a number that is too large", shown(kind.Field))
	case errors.As(err, &when):
		return errors.New("a time must be as in RFC 3339")
	case errors.Is(err, errNothingNamed):
		return err
	}
	return errors.New("the body does not have the form that is described")
}

// shown returns a member's name if it can be one of ours or a slip in typing
// one. Any other text may be a secret in the wrong place, and is not repeated.
func shown(name string) string {
	letter := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("_-.", c)
	}
	if name == "" || len(name) > 32 || strings.ContainsFunc(name, func(c rune) bool { return !letter(c) }) {
		return "…"
	}
	return name
}

var errNothingNamed = errors.New("a list that limits a grant must name something: leave it out to grant all")

// names are a list that limits. Given as null or empty it would limit nothing,
// which is not what it says, so it is refused; left out it grants all.
type names []string

// UnmarshalJSON reads a list with at least one name.
func (n *names) UnmarshalJSON(text []byte) error {
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	if len(list) == 0 || bytes.Equal(text, []byte("null")) {
		return errNothingNamed
	}
	*n = list
	return nil
}
