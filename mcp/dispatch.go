package mcp

import (
	"context"
	"fmt"
	"runtime/debug"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
)

// A caller is who sent a message, and the environment that the way it came by
// names; empty if it names none.
type caller struct {
	principal   *access.Principal
	environment environments.Name
}

// A reply is the answer to one message.
type reply struct {
	body  []byte
	error *rpcError // told in body; nil for a result
}

// answer answers a request, appending to b. The deadline of a message holds
// for all of it; closing the door ends it, too.
func (d *Door) answer(ctx context.Context, c caller, m *message, e era, b []byte) (r reply) {
	ctx, cancel := context.WithTimeout(ctx, d.config.CallTimeout)
	defer cancel()
	defer context.AfterFunc(d.inflight.ctx, cancel)()
	defer func() {
		if p := recover(); p != nil {
			err := d.panicked(p)
			r = reply{appendError(b[:0], m.id, err), err}
		}
	}()

	out, err := d.dispatch(ctx, c, m, e, b)
	if err != nil {
		return reply{appendError(b[:0], m.id, err), err}
	}
	return reply{body: out}
}

func (d *Door) dispatch(ctx context.Context, c caller, m *message, e era, b []byte) ([]byte, *rpcError) {
	switch protocol.MCPMethod(m.method) {
	case protocol.MethodToolsCall:
		return d.call(ctx, c, m, e, b)
	case protocol.MethodToolsList:
		return d.list(ctx, c, m, e, b)
	}
	return d.delegate(ctx, m, b)
}

// panicked logs a panic and returns what the caller is told of it: nothing but
// an id to find it by. What panicked may hold anything, so the log gets the type
// and the place of it, not the value, unless it is a runtime error.
func (d *Door) panicked(p any) *rpcError {
	id := ids.New("req")
	event := d.config.Log.Error().Str("request_id", id).Str("panic_type", fmt.Sprintf("%T", p)).Bytes("stack", debug.Stack())
	if err, ok := p.(interface {
		error
		RuntimeError()
	}); ok {
		event = event.Str("panic", err.Error())
	}
	event.Msg("a message made the server panic")
	return ofFault(fault.New(fault.Internal, "an internal error occurred"), id)
}

// note logs a failure that only an operator can help with, and returns the id
// that the caller is told to find it by; other failures are the caller's.
func (d *Door) note(c caller, method string, e *fault.Error) (requestID string) {
	switch e.Kind {
	case fault.Internal, fault.StoreUnavailable, fault.SealerUnavailable:
	default:
		return ""
	}
	requestID = ids.New("req")
	d.config.Log.Error().Err(e).Str("request_id", requestID).Str("method", method).
		Str("tenant", c.principal.Tenant).Str("key", c.principal.KeyID).Msg("a message could not be answered")
	return requestID
}
