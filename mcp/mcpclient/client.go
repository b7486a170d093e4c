package mcpclient

import (
	"context"
	"fmt"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

// The two eras of the protocol that a client can be of.
const (
	Modern = "2026-07-28" // each request stands alone
	Legacy = "2025-11-25" // a session begins with initialize
)

// A Client is connected to one server with one key. Construct with Dial.
type Client struct {
	client   *mcpgo.Client
	protocol string
}

// A Tool is a tool as the server lists it.
type Tool struct {
	Name     string
	Title    string
	ReadOnly bool
}

// A Result is what a call came to.
type Result struct {
	Text   string // the text of the result, or of the failure
	Failed bool   // the call failed in a way that the caller may correct
	Code   string // of the failure, such as "environment_denied"
}

// Dial connects to the server at url, such as "http://127.0.0.1:8417/mcp", and
// speaks the protocol version.
func Dial(ctx context.Context, url, key, version string) (*Client, error) {
	c, err := mcpgo.NewStreamableHttpClient(url, transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + key}))
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	mcpgo.WithProtocolVersion(version)(c)
	if err := c.Start(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = version
	hello.Params.ClientInfo = mcp.Implementation{Name: "wayleave-client", Version: "1"}
	answer, err := c.Initialize(ctx, hello)
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("beginning to speak MCP %s: %w", version, err)
	}
	return &Client{c, answer.ProtocolVersion}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.client.Close() }

// Protocol returns the version that was agreed on.
func (c *Client) Protocol() string { return c.protocol }

// Tools lists every tool.
func (c *Client) Tools(ctx context.Context) ([]Tool, error) {
	list, err := c.client.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return nil, fmt.Errorf("listing the tools: %w", err)
	}
	tools := make([]Tool, len(list.Tools))
	for i, t := range list.Tools {
		title := t.Title
		if title == "" {
			title = t.Annotations.Title
		}
		tools[i] = Tool{t.Name, title, t.Annotations.ReadOnlyHint != nil && *t.Annotations.ReadOnlyHint}
	}
	return tools, nil
}

// Call calls a tool. A failure that the protocol itself tells is an error; one
// that the tool tells is a Result.
func (c *Client) Call(ctx context.Context, tool string, arguments map[string]any) (Result, error) {
	var q mcp.CallToolRequest
	q.Params.Name, q.Params.Arguments = tool, arguments
	answer, err := c.client.CallTool(ctx, q)
	if err != nil {
		return Result{}, fmt.Errorf("calling %s: %w", tool, err)
	}
	var text strings.Builder
	for _, content := range answer.Content {
		if t, ok := content.(mcp.TextContent); ok {
			text.WriteString(t.Text)
		}
	}
	r := Result{Text: text.String(), Failed: answer.IsError}
	if answer.Meta != nil {
		r.Code, _ = answer.Meta.AdditionalFields["wayleave/code"].(string)
	}
	return r, nil
}
