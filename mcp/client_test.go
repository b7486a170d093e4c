package mcp_test

import (
	"errors"
	"io"
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	protocol "github.com/mark3labs/mcp-go/mcp"

	"github.com/wayleave/wayleave/mcp"
)

// TestClient: a client that others wrote, in both eras, over HTTP and stdio.
func TestClient(t *testing.T) {
	for name, option := range map[string]client.ClientOption{
		//lint:ignore SA1019 clients of the handshake era are what is tested
		"handshake era": client.WithLegacyProtocolOnly(),
		"2026-07-28":    client.WithProtocolVersion(protocol.ProtocolVersion20260728),
	} {
		t.Run(name+" over HTTP", func(t *testing.T) {
			b := serve(t)
			http, err := transport.NewStreamableHTTP(b.URL+"/mcp/dev",
				transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer key-alice"}))
			if err != nil {
				t.Fatal(err)
			}
			converse(t, client.NewClient(http, option))
		})
		t.Run(name+" over stdio", func(t *testing.T) {
			inRead, inWrite := io.Pipe()
			outRead, outWrite := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- mcp.New(mcp.Config{Tools: newFixture()}).ServeStdio(t.Context(), keys["key-alice"], "dev", inRead, outWrite)
				outWrite.Close()
			}()
			converse(t, client.NewClient(transport.NewIO(outRead, inWrite, io.NopCloser(eofReader{})), option))
			inWrite.Close()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }

// converse connects, lists and calls, and sees failures as the client shows them.
func converse(t *testing.T, c *client.Client) {
	t.Helper()
	defer c.Close()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hello := protocol.InitializeRequest{}
	hello.Params.ProtocolVersion = protocol.LATEST_LEGACY_PROTOCOL_VERSION
	hello.Params.ClientInfo = protocol.Implementation{Name: "test", Version: "1"}
	server, err := c.Initialize(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if server.ServerInfo.Name != "wayleave" || server.Capabilities.Tools == nil || server.Capabilities.Resources != nil || server.Instructions == "" {
		t.Errorf("the server says it is %+v", server)
	}
	list, err := c.ListTools(t.Context(), protocol.ListToolsRequest{})
	if err != nil || len(list.Tools) < 5 || list.Tools[0].Name != "fx_create" || list.Tools[0].Annotations.OpenWorldHint == nil {
		t.Fatalf("the list: %v %+v", err, list)
	}
	call := protocol.CallToolRequest{}
	call.Params.Name = "fx_get_item"
	call.Params.Arguments = map[string]any{"id": "a"}
	got, err := c.CallTool(t.Context(), call)
	if err != nil || got.IsError {
		t.Fatalf("the call: %v %+v", err, got)
	}
	if text := got.Content[0].(protocol.TextContent).Text; text != `{"tenant":"ten_a","arguments":{"id":"a"}}` {
		t.Errorf("the call returned %s", text)
	}
	call.Params.Name = "fx_expired"
	if got, err = c.CallTool(t.Context(), call); err != nil || !got.IsError {
		t.Errorf("a failure: %v %+v", err, got)
	}
	call.Params.Name = "fx_hidden_of_b"
	if _, err = c.CallTool(t.Context(), call); !errors.Is(err, protocol.ErrInvalidParams) {
		t.Errorf("an unknown tool: %v", err)
	}
}
