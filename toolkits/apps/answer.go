package apps

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"unicode/utf8"
)

// NewAnswer returns what an app answered: status, header, the body already
// decompressed, capped and scrubbed, and the host that sent it. The answer
// belongs to one call and is not safe for concurrent use.
func NewAnswer(status int, header http.Header, body []byte, host string) *Answer {
	if header == nil {
		header = http.Header{}
	}
	return &Answer{Status: status, Header: header, Body: body, Host: host}
}

// The states of an answer's decoded body.
const (
	undecoded = iota
	isJSON
	notJSON
)

// JSON returns the body as JSON, numbers as json.Number, whatever its content
// type says, since apps label it in many ways. It is decoded once. ok is false
// when the body is no single JSON document.
func (a *Answer) JSON() (doc any, ok bool) {
	if a.state == undecoded {
		a.state = notJSON
		if v, err := decodeJSON(a.Body); err == nil {
			a.decoded, a.state = v, isJSON
		}
	}
	return a.decoded, a.state == isJSON
}

// decodeJSON decodes one document. Bytes that are not UTF-8 read as U+FFFD.
func decodeJSON(b []byte) (any, error) {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return v, nil
}

// find returns the part of the answer's body at p.
func (a *Answer) find(p *Path) (any, bool) {
	doc, ok := a.JSON()
	if !ok {
		return nil, false
	}
	return p.Find(doc)
}

// lookup gives parts of the answer to the templates of labels and messages.
func (a *Answer) lookup(paths map[string]*Path) func(root, name string) (any, bool) {
	return func(_, name string) (any, bool) {
		p := paths[name]
		if p == nil {
			return nil, false
		}
		return a.find(p)
	}
}
