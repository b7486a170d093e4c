package mcp

import (
	"context"
	"sync"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/toolkits"
)

// Tools lists and runs the tools of callers; *toolkits.Runner is one.
type Tools interface {
	// Toolset returns the tools that p may use in the environment asked for
	// (empty: none named), sorted by name. The result is not changed afterwards.
	Toolset(ctx context.Context, p *access.Principal, asked environments.Name) (*toolkits.Toolset, error)

	// Run runs one tool. A tool that does not exist is fault.NotFound, one that
	// is not granted fault.ToolDenied; the door tells callers the same for both.
	// Next to an error, a Result may still name the environment and the source.
	// Run returns soon after ctx ends.
	Run(ctx context.Context, c toolkits.Call) (*toolkits.Result, error)
}

// An Authenticator recognises keys; *access.Authenticator is one.
type Authenticator interface {
	// Authenticate returns who presents key, or fault.Unauthenticated.
	Authenticate(ctx context.Context, key string) (*access.Principal, error)
}

// Defaults of a Config.
const (
	DefaultCallTimeout = time.Minute
	DefaultMaxBody     = 4 << 20 // bytes
	DefaultReadTimeout = 30 * time.Second
)

// Config is what a Door is made of.
type Config struct {
	Tools Tools         // required
	Auth  Authenticator // required for HTTP

	// Hosts are the values of Host that are answered beyond loopback ones, such
	// as "wayleave.example" (any port) or "wayleave.example:8443".
	Hosts []string

	// Origins are the web origins whose pages may call, such as
	// "https://chat.example". Requests without Origin, as all agents send that
	// are no web pages, need none. Loopback origins are allowed where the
	// connection itself is on loopback.
	Origins []string

	// ResourceMetadata is the URL of the RFC 9728 document that 401 answers
	// name. Empty: none.
	ResourceMetadata string

	Version     string // of this server, told to clients
	Log         zerolog.Logger
	CallTimeout time.Duration // longest run of one message; 0 means DefaultCallTimeout
	MaxBody     int64         // bytes of one message, HTTP and stdio; 0 means DefaultMaxBody
	ReadTimeout time.Duration // longest sending of one message over HTTP; 0 means DefaultReadTimeout
}

// A Door serves MCP. Construct with New.
type Door struct {
	config   Config
	hosts    []string // lower case
	origins  []string // lower case
	protocol *mcpgo.MCPServer
	lists    *lists
	server   []byte // serverInfo as JSON
	inflight *inflight
	buffers  sync.Pool // of *[]byte
}

// New returns a Door. It takes what it needs from c; later changes to c have no
// effect.
func New(c Config) *Door {
	if c.CallTimeout <= 0 {
		c.CallTimeout = DefaultCallTimeout
	}
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = DefaultReadTimeout
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	return &Door{
		config:   c,
		hosts:    lowered(c.Hosts),
		origins:  lowered(c.Origins),
		protocol: newProtocol(c.Version),
		lists:    newLists(c.Log),
		server:   serverInfo(c.Version),
		inflight: newInflight(),
		buffers:  sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }},
	}
}

// Close has the door refuse new messages and waits until those under way have
// their answer. When ctx ends first, they are cancelled, which has their tools
// return; Close waits for that too, but not long, and returns the error of ctx.
func (d *Door) Close(ctx context.Context) error { return d.inflight.close(ctx) }
