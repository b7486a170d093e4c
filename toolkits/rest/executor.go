package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// An Executor carries out tools that are HTTP requests. The zero value is ready
// for use.
type Executor struct{}

// Execute sends the tool's request and returns what the app answered, shaped as
// the tool says; truncated tells that the app has further pages. A tool that
// only reads, or that may be repeated without harm, is retried where that can
// help; any other is sent once.
func (Executor) Execute(ctx context.Context, up *connections.Upstream, tool *apps.Tool, args map[string]any) (content any, truncated bool, err error) {
	req, err := tool.Request.Build(ctx, up.Site(), apps.Values{Input: args})
	if err != nil {
		return nil, false, err
	}
	effect := connections.Effect(tool.Annotations.ReadOnly || tool.Annotations.Idempotent)
	if tool.Paginate != nil && effect == connections.Read {
		return pages(ctx, up, tool, req)
	}
	ans, err := up.Do(ctx, req, effect)
	if err != nil {
		return nil, false, err
	}
	if whole, ok := untouched(ans, tool.Output); ok {
		return whole, false, nil
	}
	return shape(document(ans), tool.Output), false, nil
}

// untouched returns the body of a JSON answer of which the definition keeps
// everything: most answers are small, and need not be taken apart to be passed
// on.
func untouched(ans *apps.Answer, out apps.Output) (json.RawMessage, bool) {
	if out.Root != nil || len(out.Pick) > 0 || len(out.Drop) > 0 || len(ans.Body) == 0 || !utf8.Valid(ans.Body) {
		return nil, false
	}
	compact := bytes.NewBuffer(make([]byte, 0, len(ans.Body)))
	if json.Compact(compact, ans.Body) != nil {
		return nil, false
	}
	return compact.Bytes(), true
}

// document returns an answer as a JSON value: what it holds if it is JSON, the
// text if it is text, and otherwise what can be said about it.
func document(ans *apps.Answer) any {
	if len(ans.Body) == 0 || ans.Status == http.StatusNoContent {
		return map[string]any{"status": ans.Status}
	}
	if doc, ok := ans.JSON(); ok {
		return doc
	}
	kind, _, _ := mime.ParseMediaType(ans.Header.Get("Content-Type"))
	if textual(kind) && utf8.Valid(ans.Body) {
		return string(ans.Body)
	}
	return map[string]any{"content_type": kind, "bytes": len(ans.Body), "note": "The content is binary and is left out."}
}

func textual(kind string) bool {
	return kind == "" || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "xml") ||
		strings.HasSuffix(kind, "json") || kind == "application/javascript" || kind == "application/x-www-form-urlencoded"
}
