package apps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bounds of arguments. Comparing numbers takes time that grows with the square
// of their digits, and a short exponent stands for many digits.
const (
	maxArgumentDepth = 64  // objects and lists within one another
	maxNumber        = 400 // characters of a number; a float64 written out has fewer
	maxExponent      = 5   // of its exponent, as in e-308
)

// parseArguments decodes JSON, numbers as json.Number, and refuses what
// encoding/json lets pass: a member that is there twice, of which two readers
// may each see another one, bytes that are not UTF-8, and deep nesting. The
// error says where, as a JSON pointer, and repeats nothing of the input.
func parseArguments(b []byte) (any, error) {
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("the arguments are not valid UTF-8")
	}
	p := &jsonParser{in: b}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(b) {
		return nil, p.broken()
	}
	return v, nil
}

type jsonParser struct {
	in   []byte
	at   int
	path []step // to the value being read; written out only for an error
}

// A step leads to a member, or to an item where key is empty and item is not 0;
// items count from 1.
type step struct {
	key  string
	item int
}

// where returns the place being read as a JSON pointer.
func (p *jsonParser) where() string {
	steps := make([]string, len(p.path))
	for i, s := range p.path {
		if steps[i] = s.key; s.item > 0 {
			steps[i] = strconv.Itoa(s.item - 1)
		}
	}
	return pointer(steps)
}

func (p *jsonParser) broken() error {
	return fmt.Errorf("the arguments are not valid JSON (at byte %d)", p.at)
}

func (p *jsonParser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next skips space and takes c if it comes next.
func (p *jsonParser) next(c byte) bool {
	p.space()
	if p.at < len(p.in) && p.in[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > maxArgumentDepth {
		return nil, fmt.Errorf("the arguments nest more than %d deep", maxArgumentDepth)
	}
	p.space()
	if p.at >= len(p.in) {
		return nil, p.broken()
	}
	switch c := p.in[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.string()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	switch rest := p.in[p.at:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		p.at += len("true")
		return true, nil
	case bytes.HasPrefix(rest, []byte("false")):
		p.at += len("false")
		return false, nil
	case bytes.HasPrefix(rest, []byte("null")):
		p.at += len("null")
		return nil, nil
	}
	return nil, p.broken()
}

func (p *jsonParser) object(depth int) (any, error) {
	p.at++
	obj := map[string]any{}
	if p.next('}') {
		return obj, nil
	}
	for {
		p.space()
		if p.at >= len(p.in) || p.in[p.at] != '"' {
			return nil, p.broken()
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		p.path = append(p.path, step{key: key})
		if _, dup := obj[key]; dup {
			return nil, fmt.Errorf("%s is given twice", p.where())
		}
		if !p.next(':') {
			return nil, p.broken()
		}
		if obj[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		p.path = p.path[:len(p.path)-1]
		if p.next('}') {
			return obj, nil
		}
		if !p.next(',') {
			return nil, p.broken()
		}
	}
}

func (p *jsonParser) array(depth int) (any, error) {
	p.at++
	list := []any{}
	if p.next(']') {
		return list, nil
	}
	for {
		p.path = append(p.path, step{item: len(list) + 1})
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.path = p.path[:len(p.path)-1]
		list = append(list, v)
		if p.next(']') {
			return list, nil
		}
		if !p.next(',') {
			return nil, p.broken()
		}
	}
}

// string reads a string; one without escapes is taken as it is.
func (p *jsonParser) string() (string, error) {
	start, escaped := p.at, false
	for p.at++; p.at < len(p.in); p.at++ {
		switch c := p.in[p.at]; {
		case c == '"':
			p.at++
			if !escaped {
				return string(p.in[start+1 : p.at-1]), nil
			}
			var s string
			if json.Unmarshal(p.in[start:p.at], &s) != nil {
				p.at = start
				return "", p.broken()
			}
			return s, nil
		case c == '\\':
			escaped = true
			p.at++
		case c < ' ':
			return "", p.broken()
		}
	}
	return "", p.broken()
}

func (p *jsonParser) number() (any, error) {
	start := p.at
	p.take("-", 1)
	if !p.take("0", 1) && !p.take(digits, -1) {
		return nil, p.broken()
	}
	if p.take(".", 1) && !p.take(digits, -1) {
		return nil, p.broken()
	}
	exponent := p.at
	if p.take("eE", 1) {
		p.take("+-", 1)
		if !p.take(digits, -1) {
			return nil, p.broken()
		}
	}
	if p.at-start > maxNumber || p.at-exponent > maxExponent {
		return nil, fmt.Errorf("%s is a number of %d characters, which no app takes", p.where(), p.at-start)
	}
	return json.Number(p.in[start:p.at]), nil
}

const digits = "0123456789"

// take takes up to n bytes of set, any number if n is negative, and reports
// whether it took one.
func (p *jsonParser) take(set string, n int) bool {
	from := p.at
	for p.at < len(p.in) && n != p.at-from {
		found := false
		for i := 0; i < len(set) && !found; i++ {
			found = set[i] == p.in[p.at]
		}
		if !found {
			break
		}
		p.at++
	}
	return p.at > from
}
