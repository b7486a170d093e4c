package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits"
)

// call runs the tool that m names. A failure is a result that a model can read
// and act on; only a name that means nothing to this caller is an error.
func (d *Door) call(ctx context.Context, c caller, m *message, e era, b []byte) ([]byte, *rpcError) {
	name, ok := textOf(m.params.name, maxName)
	if !ok || name == "" {
		return b, &rpcError{code: codeInvalidParams, message: "params.name must be the name of a tool"}
	}
	call, bad := callOf(c, name, &m.params)
	if bad != nil {
		return d.appendFailure(b, c, m, e, nil, bad, ""), nil
	}
	result, err := d.config.Tools.Run(ctx, call)
	if err == nil && result == nil {
		err = errors.New("the tool returned neither a result nor an error")
	}
	if err == nil {
		return d.appendSuccess(b, m, e, result), nil
	}
	failure := fault.From(err)
	if d.unknown(ctx, c, name, failure) {
		return b, unknownTool(name)
	}
	return d.appendFailure(b, c, m, e, result, failure, d.note(c, m.method, failure)), nil
}

// callOf makes a Call of what m asks for. What is wrong with the arguments is
// told as a failed call, because the model wrote them.
func callOf(c caller, name string, p *params) (toolkits.Call, *fault.Error) {
	call := toolkits.Call{Principal: c.principal, Environment: c.environment, Tool: name}
	if p.idempotencyKey != nil {
		key, ok := textOf(p.idempotencyKey, maxKey)
		if !ok || key == "" {
			return call, fault.New(fault.InvalidInput, "_meta %s must be a string of 1 to %d bytes", metaIdempotency, maxKey)
		}
		call.IdempotencyKey = key
	}
	if kind := kindOf(p.arguments); kind != "object" {
		bad := fault.New(fault.InvalidInput, "arguments must be an object, got %s", kind)
		if kind == "a string" {
			bad.WithFix("Send the object itself, not JSON text.")
		} else {
			bad.WithFix("Send an object with the tool's arguments as its members.")
		}
		return call, bad
	}
	if p.unfit != "" {
		return call, fault.New(fault.InvalidInput, "arguments hold %s, which apps do not accept", p.unfit).
			WithFix("Send the text without it.")
	}
	call.Arguments = p.arguments
	if len(p.arguments) > 0 && p.arguments[0] == 'n' { // null means none, as some clients send it
		call.Arguments = nil
	}
	return call, nil
}

// kindOf names the type of a JSON value, null and nothing being objects without
// members.
func kindOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "object"
	}
	switch raw[0] {
	case '{', 'n':
		return "object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

// unknown reports whether a failure means that the tool is none of the
// caller's. An app may answer "not found", too, so the caller's list decides.
func (d *Door) unknown(ctx context.Context, c caller, name string, failure *fault.Error) bool {
	if failure.Kind != fault.NotFound && failure.Kind != fault.ToolDenied {
		return false
	}
	set, err := d.config.Tools.Toolset(ctx, c.principal, c.environment)
	if err != nil {
		return true
	}
	at := after(set.Tools, name)
	return at == 0 || set.Tools[at-1].Name != name
}

// unknownTool is the same for a tool that is not granted and for one that does
// not exist, so that nobody learns which of the two it is.
func unknownTool(name string) *rpcError {
	return &rpcError{code: codeInvalidParams, message: "there is no tool named " + string(appendText(nil, name)) + " for this key; tools/list tells which there are"}
}

// appendSuccess appends the answer that tells a result: its text as it is, and
// the same structured, where the era allows.
func (d *Door) appendSuccess(b []byte, m *message, e era, r *toolkits.Result) []byte {
	text := r.Text
	b = slices.Grow(b, 2*len(text)+len(text)/8+1024) // twice the text, quotes escaped in one
	b = appendResult(b, m.id, e)
	b = append(b, `"content":[{"type":"text","text":`...)
	b = appendTextBytes(b, text)
	b = append(b, '}')
	if r.Truncated {
		b = append(b, `,{"type":"text","text":"The result was cut to its size limit. Ask for less: fewer items, a narrower filter or the next page."}`...)
	}
	b = append(b, ']')
	if e.modern || text[0] == '{' { // the handshake era knows structured objects only
		b = append(b, `,"structuredContent":`...)
		b = append(b, text...)
	}
	meta := d.beginMeta(b, e)
	meta.source(r)
	meta.flag("wayleave/truncated", r.Truncated)
	meta.flag("wayleave/replayed", r.Replayed)
	return append(meta.end(), "}}"...)
}

// appendFailure appends the answer that tells a failure to a model. r names
// what the call ran on, as far as it came; it may be nil.
func (d *Door) appendFailure(b []byte, c caller, m *message, e era, r *toolkits.Result, failure *fault.Error, requestID string) []byte {
	if r == nil {
		r = &toolkits.Result{}
	}
	ran := *r
	if ran.Environment == "" { // it failed before one was decided; empty if none can be
		ran.Environment, _ = environments.Resolve(c.principal.Grant.Environments, c.environment)
	}
	b = appendResult(b, m.id, e)
	b = append(b, `"content":[{"type":"text","text":`...)
	b = appendText(b, failureText(failure, requestID))
	b = append(b, `}],"isError":true`...)
	meta := d.beginMeta(b, e)
	meta.text("wayleave/code", string(failure.Kind))
	meta.source(&ran)
	meta.number("wayleave/retry_after", seconds(failure.RetryAfter))
	meta.text("wayleave/link", failure.Link)
	meta.text("wayleave/request_id", requestID)
	return append(meta.end(), "}}"...)
}

// source adds what a call ran on.
func (m *meta) source(r *toolkits.Result) {
	m.text("wayleave/environment", string(r.Environment))
	m.text("wayleave/connection", r.Source.Connection)
	m.text("wayleave/connection_name", r.Source.Name)
	m.text("wayleave/account", r.Source.Account)
}

// failureText says what happened and what to do, a line each.
func failureText(e *fault.Error, requestID string) string {
	var b strings.Builder
	b.WriteString(e.Msg)
	for _, p := range e.Problems {
		b.WriteString("\n- ")
		if p.Path != "" {
			b.WriteString(p.Path + ": ")
		}
		b.WriteString(p.Message)
	}
	if fix := e.Remedy(); fix != "" {
		b.WriteString("\nWhat to do: " + fix)
	}
	if e.Link != "" {
		b.WriteString("\nLink: " + e.Link)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "\nTry again after: %d s", seconds(e.RetryAfter))
	}
	if requestID != "" {
		b.WriteString("\nRequest id: " + requestID)
	}
	return b.String()
}
