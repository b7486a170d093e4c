package mcp

import (
	"bytes"
	"container/list"
	"encoding/json"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits"
)

// Bounds of a page of tools and of what is kept of rendered pages.
const (
	pageSize  = 200
	keepPages = 1024
	keepBytes = 32 << 20
)

// lists keeps rendered pages of tools. Rendering a list costs far more than
// sending it, and agents ask for theirs at every start.
type lists struct {
	log zerolog.Logger

	mu    sync.Mutex
	pages map[pageKey]*list.Element // of *renderedPage
	used  list.List                 // front: used last
	bytes int
}

// A pageKey names a page of one content. The tenant is in it so that nothing
// hangs on how digests are made when it comes to what one tenant sees.
type pageKey struct {
	tenant, environment, digest string
	start                       int
}

type renderedPage struct {
	key  pageKey
	body []byte
}

func newLists(log zerolog.Logger) *lists {
	return &lists{log: log, pages: map[pageKey]*list.Element{}}
}

// page returns the members "tools" and, unless it is the last page,
// "nextCursor" of a list's result, as JSON. The bytes must not be changed.
func (l *lists) page(tenant string, set *toolkits.Toolset, start int) []byte {
	key := pageKey{tenant, string(set.Environment), set.Digest, start}
	if set.Digest == "" {
		return l.render(set.Tools, start)
	}
	if body := l.kept(key); body != nil {
		return body
	}
	body := l.render(set.Tools, start)
	if start%pageSize == 0 { // any other begins after a tool that has gone; it is not asked for twice
		l.keep(&renderedPage{key, body})
	}
	return body
}

func (l *lists) kept(key pageKey) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.pages[key]
	if !ok {
		return nil
	}
	l.used.MoveToFront(at)
	return at.Value.(*renderedPage).body
}

func (l *lists) keep(p *renderedPage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.pages[p.key]; ok {
		return
	}
	l.pages[p.key] = l.used.PushFront(p)
	l.bytes += len(p.body)
	for l.used.Len() > keepPages || l.bytes > keepBytes {
		oldest := l.used.Remove(l.used.Back()).(*renderedPage)
		delete(l.pages, oldest.key)
		l.bytes -= len(oldest.body)
	}
}

func (l *lists) render(tools []toolkits.ToolEntry, start int) []byte {
	end := min(start+pageSize, len(tools))
	b := []byte(`"tools":[`)
	for i, tool := range tools[start:end] {
		if i > 0 {
			b = append(b, ',')
		}
		b = l.appendTool(b, tool)
	}
	b = append(b, ']')
	if end < len(tools) {
		b = append(b, `,"nextCursor":`...)
		b = appendText(b, page.Cursor(tools[end-1].Name))
	}
	return slices.Clip(b)
}

// appendTool appends one tool. A schema that is no JSON would make the whole
// list unreadable, so it is told as any object; the Runner checks arguments.
func (l *lists) appendTool(b []byte, t toolkits.ToolEntry) []byte {
	b = append(b, `{"name":`...)
	b = appendText(b, t.Name)
	if t.Title != "" {
		b = append(b, `,"title":`...)
		b = appendText(b, t.Title)
	}
	if t.Description != "" {
		b = append(b, `,"description":`...)
		b = appendText(b, t.Description)
	}
	b = append(b, `,"inputSchema":`...)
	schema, err := schemaOf(t.InputSchema)
	if err != nil {
		l.log.Error().Str("tool", t.Name).Msg("the tool's input schema is not a JSON object; the list tells it as any object")
	}
	b = append(b, schema...)
	b = append(b, `,"annotations":`...)
	b = appendJSON(b, hints{t.Title, t.Annotations.ReadOnly, t.Annotations.Destructive, t.Annotations.Idempotent, t.Annotations.OpenWorld})
	return append(b, '}')
}

// hints are a tool's annotations as MCP tells them. All are told, because an
// absent one does not mean false.
type hints struct {
	Title       string `json:"title,omitempty"`
	ReadOnly    bool   `json:"readOnlyHint"`
	Destructive bool   `json:"destructiveHint"`
	Idempotent  bool   `json:"idempotentHint"`
	OpenWorld   bool   `json:"openWorldHint"`
}

var anyObject = json.RawMessage(`{"type":"object"}`)

// schemaOf returns a schema compact. Annotations x-mcp-header are left out:
// they would have clients repeat arguments in headers, for which no tool asks.
func schemaOf(schema json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, schema); err != nil || b.Bytes()[0] != '{' {
		return anyObject, errUnexpected
	}
	if !bytes.Contains(b.Bytes(), []byte(`"x-mcp-header"`)) {
		return b.Bytes(), nil
	}
	decoder := json.NewDecoder(&b)
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return anyObject, err
	}
	dropHeaders(tree)
	return json.Marshal(tree)
}

// dropHeaders removes the annotation wherever it is one; a property that is
// called so has a schema for a value, not a string.
func dropHeaders(node any) {
	switch node := node.(type) {
	case map[string]any:
		if _, ok := node["x-mcp-header"].(string); ok {
			delete(node, "x-mcp-header")
		}
		for _, child := range node {
			dropHeaders(child)
		}
	case []any:
		for _, child := range node {
			dropHeaders(child)
		}
	}
}
