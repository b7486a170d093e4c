package mcp

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Answers are written by appending to one buffer, because the text of a result
// makes up nearly all of an answer and is to be copied once.

// appendResult begins a result; the caller appends its members and "}}".
func appendResult(b []byte, id json.RawMessage, e era) []byte {
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, `,"result":{`...)
	if e.modern {
		b = append(b, `"resultType":"complete",`...)
	}
	return b
}

// appendError appends the whole answer that e is.
func appendError(b []byte, id json.RawMessage, e *rpcError) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, `,"error":{"code":`...)
	b = strconv.AppendInt(b, int64(e.code), 10)
	b = append(b, `,"message":`...)
	b = appendText(b, e.message)
	if e.data != nil {
		b = append(b, `,"data":`...)
		b = appendJSON(b, e.data)
	}
	return append(b, "}}"...)
}

// appendJSON appends v, which is one of the door's own types or was JSON before.
func appendJSON(b []byte, v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, encoded...)
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	return appendQuoted(b, strings.ToValidUTF8(s, "\ufffd"))
}

// appendTextBytes is appendText for the text of results, which are large.
func appendTextBytes(b, s []byte) []byte {
	if !utf8.Valid(s) {
		s = bytes.ToValidUTF8(s, []byte("\ufffd"))
	}
	return appendQuoted(b, s)
}

// appendQuoted quotes valid UTF-8, copying what needs no escape in runs.
func appendQuoted[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			b = appendEscape(append(b, s[start:i]...), c)
			start = i + 1
		}
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// A meta writes the members of _meta.
type meta struct {
	b     []byte
	empty bool
}

// beginMeta begins the _meta of a result whose other members are in b.
func (d *Door) beginMeta(b []byte, e era) meta {
	m := meta{b: append(b, `,"_meta":{`...), empty: true}
	if e.modern {
		m.key(metaServerInfo)
		m.b = append(m.b, d.server...)
	}
	return m
}

func (m *meta) key(name string) {
	if !m.empty {
		m.b = append(m.b, ',')
	}
	m.empty = false
	m.b = append(append(append(m.b, '"'), name...), `":`...)
}

// text adds a member unless value is empty.
func (m *meta) text(name, value string) {
	if value != "" {
		m.key(name)
		m.b = appendText(m.b, value)
	}
}

// number adds a member unless value is 0.
func (m *meta) number(name string, value int64) {
	if value != 0 {
		m.key(name)
		m.b = strconv.AppendInt(m.b, value, 10)
	}
}

// flag adds a member if value is true.
func (m *meta) flag(name string, value bool) {
	if value {
		m.key(name)
		m.b = append(m.b, "true"...)
	}
}

func (m *meta) end() []byte { return append(m.b, '}') }
