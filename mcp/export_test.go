package mcp

import "encoding/json"

// A Parsed is what the gate read of a message, for its tests.
type Parsed struct {
	ID, Name, Arguments json.RawMessage
	Method              string
}

// Parse runs the gate alone.
func Parse(body []byte) (p Parsed, code int, text string) {
	m, refused := parse(body)
	if refused != nil {
		return Parsed{ID: refused.id}, refused.code, refused.message
	}
	return Parsed{m.id, m.params.name, m.params.arguments, m.method}, 0, ""
}

// ValidSyntax reports whether the scanner takes b as one JSON value.
func ValidSyntax(b []byte) bool {
	s := scanner{b: b}
	if _, err := s.value(0); err != nil {
		return false
	}
	s.space()
	return s.i == len(b)
}

// Quote returns s as the door writes it into answers.
func Quote(s string) string { return string(appendText(nil, s)) }

// QuoteBytes is Quote for the text of results.
func QuoteBytes(s []byte) string { return string(appendTextBytes(nil, s)) }

// ErrDeep is what the scanner says of text that is nested too deeply.
const ErrDeep = string(errDeep)

// KeptPages returns how many rendered pages d keeps and how many bytes they take.
func (d *Door) KeptPages() (pages, bytes int) { return d.lists.used.Len(), d.lists.bytes }
