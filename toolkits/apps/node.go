package apps

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A node is a value of a definition that knows where it stands. Objects keep the
// order they were written in, which is the order agents see.
type node struct {
	line, col int
	kind      nodeKind
	text      string // of a string or number, or true and false
	members   []member
	items     []*node
	size      int // nodes in it, itself included
}

type nodeKind int

const (
	null nodeKind = iota
	boolean
	number
	text
	array
	object
)

// A member is one entry of an object, with the place of its key.
type member struct {
	key       string
	line, col int
	value     *node
}

// get returns the member called key, nil if there is none or n is no object.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// at follows a JSON pointer as far as it leads and returns the deepest node on
// the way.
func (n *node) at(ptr []string) *node {
	for _, step := range ptr {
		next := n.get(step)
		if n.kind == array {
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.items) {
				next = n.items[i]
			}
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// place returns where the key or item that ptr names stands: the key of a
// member, the value of an item.
func (n *node) place(ptr []string) (line, col int) {
	if len(ptr) > 0 {
		parent := n.at(ptr[:len(ptr)-1])
		for _, m := range parent.members {
			if m.key == ptr[len(ptr)-1] {
				return m.line, m.col
			}
		}
	}
	at := n.at(ptr)
	return at.line, at.col
}

// json appends n as compact JSON.
func (n *node) json(b []byte) []byte {
	switch n.kind {
	case object:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, m.key), ':')
			b = m.value.json(b)
		}
		return append(b, '}')
	case array:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.json(b)
		}
		return append(b, ']')
	case text:
		return appendJSONString(b, n.text)
	case null:
		return append(b, "null"...)
	}
	return append(b, n.text...)
}

// value returns n as encoding/json would, numbers as json.Number.
func (n *node) value() any {
	switch n.kind {
	case object:
		m := make(map[string]any, len(n.members))
		for _, e := range n.members {
			m[e.key] = e.value.value()
		}
		return m
	case array:
		a := make([]any, len(n.items))
		for i, item := range n.items {
			a[i] = item.value()
		}
		return a
	case text:
		return n.text
	case number:
		return json.Number(n.text)
	case boolean:
		return n.text == "true"
	}
	return nil
}

// appendJSONString appends s as a JSON string, without the escaping of <, > and
// & that is meant for HTML.
func appendJSONString(b []byte, s string) []byte {
	var w strings.Builder
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, strings.TrimSuffix(w.String(), "\n")...)
}
