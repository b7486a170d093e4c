package mcp

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays of a message may nest, the message
// itself included.
const maxDepth = 64

// A scanner reads JSON text once, front to back, and refuses all that RFC 8259
// does not allow. It is stricter than encoding/json in two ways: text must be
// valid UTF-8, and nesting is bounded. What is valid JSON but not fit to be
// passed on (RFC 7493), NUL characters and halves of surrogate pairs, it notes
// in unfit.
type scanner struct {
	b     []byte
	i     int
	unfit string // what was found last; empty: nothing
}

// A syntaxError says why text is no JSON that this server reads.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

const (
	errTruncated  = syntaxError("the JSON text ends too early")
	errUnexpected = syntaxError("the message is not valid JSON")
	errDeep       = syntaxError("the JSON text is nested deeper than 64 levels")
	errUTF8       = syntaxError("the JSON text is not valid UTF-8")
)

const (
	unfitNUL       = "a NUL character"
	unfitSurrogate = "half of a surrogate pair"
)

// space skips white space and returns the byte that follows it, 0 at the end.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// value reads a value and returns its text. depth is that of what encloses it.
func (s *scanner) value(depth int) (json.RawMessage, error) {
	c := s.space()
	start := s.i
	var err error
	switch {
	case c == '{':
		err = s.members(depth, nil)
	case c == '[':
		err = s.elements(depth)
	case c == '"':
		_, err = s.text()
	case c == '-' || '0' <= c && c <= '9':
		err = s.number()
	case c == 't':
		err = s.literal("true")
	case c == 'f':
		err = s.literal("false")
	case c == 'n':
		err = s.literal("null")
	case s.i >= len(s.b):
		err = errTruncated
	default:
		err = errUnexpected
	}
	return s.b[start:s.i:s.i], err
}

// members reads an object. It calls each with the decoded key of every member;
// each must read the value. With a nil each the members are only checked.
func (s *scanner) members(depth int, each func(key []byte) error) error {
	if depth >= maxDepth {
		return errDeep
	}
	s.i++ // {
	if s.space() == '}' {
		s.i++
		return nil
	}
	for {
		if s.space() != '"' {
			return s.unexpected()
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		if s.space() != ':' {
			return s.unexpected()
		}
		s.i++
		if each == nil {
			_, err = s.value(depth + 1)
		} else {
			err = each(decode(key))
		}
		if err != nil {
			return err
		}
		if more, err := s.next('}'); !more {
			return err
		}
	}
}

func (s *scanner) elements(depth int) error {
	if depth >= maxDepth {
		return errDeep
	}
	s.i++ // [
	if s.space() == ']' {
		s.i++
		return nil
	}
	for {
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
		if more, err := s.next(']'); !more {
			return err
		}
	}
}

// next reads the comma before a further member or element, or the end.
func (s *scanner) next(end byte) (more bool, err error) {
	switch s.space() {
	case ',':
		s.i++
		return true, nil
	case end:
		if s.i < len(s.b) {
			s.i++
			return false, nil
		}
	}
	return false, s.unexpected()
}

func (s *scanner) unexpected() error {
	if s.i >= len(s.b) {
		return errTruncated
	}
	return errUnexpected
}

// text reads a string and returns it as it stands, quotes included.
func (s *scanner) text() (json.RawMessage, error) {
	start := s.i
	s.i++ // opening quote
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start:s.i:s.i], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, errUnexpected
		case c < utf8.RuneSelf:
			s.i++
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			if r == utf8.RuneError && n == 1 {
				return nil, errUTF8
			}
			s.i += n
		}
	}
	return nil, errTruncated
}

// decode returns what a string read by text says. The result shares memory
// with the message unless the string has escapes.
func decode(text json.RawMessage) []byte {
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var decoded string
	_ = json.Unmarshal(text, &decoded) // cannot fail: text has checked it
	return []byte(decoded)
}

// escape reads one escape sequence, both halves of a surrogate pair together.
func (s *scanner) escape() error {
	if s.i+1 >= len(s.b) {
		return errTruncated
	}
	switch s.b[s.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i += 2
		return nil
	case 'u':
		return s.unicode()
	}
	return errUnexpected
}

func (s *scanner) unicode() error {
	r, err := hex4(s.b[s.i+2:])
	if err != nil {
		return err
	}
	s.i += 6
	switch {
	case r == 0:
		s.unfit = unfitNUL
	case 0xd800 <= r && r < 0xdc00:
		rest := s.b[s.i:]
		if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if low, err := hex4(rest[2:]); err == nil && 0xdc00 <= low && low < 0xe000 {
				s.i += 6
				return nil
			}
		}
		s.unfit = unfitSurrogate
	case 0xdc00 <= r && r < 0xe000:
		s.unfit = unfitSurrogate
	}
	return nil
}

func hex4(b []byte) (r rune, err error) {
	if len(b) < 4 {
		return 0, errTruncated
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errUnexpected
		}
		r = r<<4 | rune(c)
	}
	return r, nil
}

// number reads a number; its value is not looked at, so none is too large.
func (s *scanner) number() error {
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return s.unexpected()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return s.unexpected()
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return s.unexpected()
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

func (s *scanner) literal(word string) error {
	if len(s.b)-s.i < len(word) {
		return errUnexpected
	}
	if string(s.b[s.i:s.i+len(word)]) != word {
		return errUnexpected
	}
	s.i += len(word)
	return nil
}
