package mcp

import (
	"context"
	"encoding/json"

	protocol "github.com/mark3labs/mcp-go/mcp"
	mcpgo "github.com/mark3labs/mcp-go/server"
)

const serverName = "wayleave"

// instructions are what clients may put before their model.
const instructions = "Tools of the apps that your administrator has connected, run in the environment that your key or the URL names. " +
	"When a call fails, its text says what to do next and _meta wayleave/code says what went wrong."

// listTTL is how long a client may keep the list of tools, in milliseconds.
const listTTL = 30_000

// newProtocol returns the mcp-go server that answers what needs no tool. It
// knows no tools, so that nothing of one caller can be in what another is told.
func newProtocol(version string) *mcpgo.MCPServer {
	return mcpgo.NewMCPServer(serverName, version,
		mcpgo.WithToolCapabilities(false),
		mcpgo.WithInstructions(instructions),
		mcpgo.WithCacheHints(listTTL, protocol.CacheScopePrivate),
	)
}

func serverInfo(version string) []byte {
	return appendJSON(nil, protocol.Implementation{Name: serverName, Version: version})
}

// delegate has mcp-go answer m. It is given the one message and no session:
// it keeps nothing, and no cancellation ever reaches it, since its table of
// running requests does not tell callers apart.
//
// The id is put in front here, because mcp-go reads numbers as float64. Its
// error texts are replaced where they quote the parser.
func (d *Door) delegate(ctx context.Context, m *message, b []byte) ([]byte, *rpcError) {
	switch m.method {
	case string(protocol.MethodSubscriptionsListen):
		return b, methodNotFound() // the list of tools of a key changes with grants alone; nothing is pushed
	}
	switch answer := d.protocol.HandleMessage(ctx, m.body).(type) {
	case protocol.JSONRPCResponse:
		b = append(b, `{"jsonrpc":"2.0","id":`...)
		b = append(b, m.id...)
		b = append(b, `,"result":`...)
		result, err := json.Marshal(answer.Result)
		if err != nil {
			return b, &rpcError{code: codeInternal, message: "the answer cannot be written"}
		}
		return append(append(b, result...), '}'), nil
	case protocol.JSONRPCError:
		return b, ofProtocol(m, answer.Error)
	}
	return b, methodNotFound()
}

// ofProtocol tells an error of mcp-go in words of our own.
func ofProtocol(m *message, e protocol.JSONRPCErrorDetails) *rpcError {
	switch e.Code {
	case codeMethodNotFound:
		return methodNotFound()
	case codeInvalidRequest, codeInvalidParams, codeParse:
		return &rpcError{code: codeInvalidParams, message: "the params of " + m.method + " do not have the right shape"}
	}
	return &rpcError{code: codeInternal, message: "the method failed"}
}

func methodNotFound() *rpcError {
	return &rpcError{code: codeMethodNotFound, message: "this server does not have the method in this version of the protocol"}
}
