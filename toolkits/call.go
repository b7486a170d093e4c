package toolkits

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Call is one use of a tool by one caller.
type Call struct {
	Principal      *access.Principal
	Environment    environments.Name // asked for; empty if the caller names none
	Tool           string            // the tool's full name, "<toolkit>_<tool>"
	Arguments      json.RawMessage   // a JSON object; empty means {}
	Connection     string            // label, where several connections are bound
	IdempotencyKey string            // chosen by the caller, makes a write safe to repeat
}

// A Result is what a tool returned.
type Result struct {
	Text        []byte // compact JSON, shaped, scrubbed and capped
	Truncated   bool   // Text was cut to its cap, or the app has more
	Source      Source
	Environment environments.Name
	Took        time.Duration
	Replayed    bool // the answer of an earlier call with the same IdempotencyKey
}

// A Source is the connection that a call ran on.
type Source struct {
	Toolkit    string `json:"toolkit"`
	Connection string `json:"connection"` // id
	Name       string `json:"name"`
	Account    string `json:"account,omitempty"` // whom the app says it is
}

// An Executor carries out the tools of one kind, such as REST requests.
type Executor interface {
	// Execute runs tool with checked arguments over an opened connection. It
	// returns the content of the result, shaped and capped as the tool says.
	Execute(ctx context.Context, up *connections.Upstream, tool *apps.Tool, args map[string]any) (content any, truncated bool, err error)
}

// A ToolEntry is a tool as one caller sees it.
type ToolEntry struct {
	Name        string // "<toolkit>_<tool>", at most 64 characters
	Toolkit     string // slug
	Title       string
	Description string
	InputSchema json.RawMessage // with a `connection` enum where several are bound
	Annotations apps.Annotations
}

// A Toolset is every tool that one caller may use in one environment, sorted by
// name. It is immutable and may be shared.
type Toolset struct {
	Environment environments.Name
	Digest      string // changes when, and only when, the list does
	Tools       []ToolEntry
}
