package access

import (
	"slices"
	"time"

	"github.com/wayleave/wayleave/environments"
)

// A Role says what an administrative key may do; each includes those below it.
type Role string

// Roles, least first. Agents and workflows hold Caller: they run tools and
// administer nothing.
const (
	Caller   Role = "caller"
	Viewer   Role = "viewer"   // reads everything in its tenant but secrets, which nobody reads
	Operator Role = "operator" // checks, refreshes and re-authorises connections
	Admin    Role = "admin"    // changes everything in its tenant
	System   Role = "system"   // administers tenants, too
)

var roleOrder = []Role{Caller, Viewer, Operator, Admin, System}

// Includes reports whether r may do what other may. A role that does not exist
// includes nothing and is included by none.
func (r Role) Includes(other Role) bool {
	least := slices.Index(roleOrder, other)
	return least >= 0 && slices.Index(roleOrder, r) >= least
}

// A Kind says what sort of caller presents a key.
type Kind string

// Kinds of caller.
const (
	KindAdmin    Kind = "admin"
	KindAgent    Kind = "agent"
	KindWorkflow Kind = "workflow"
)

// A Tenant is a company: its records are shared by everyone in it and invisible
// outside it.
type Tenant struct {
	ID        string // "ten_…"
	Name      string // unique in the installation
	CreatedAt time.Time
}

// An Actor is an agent or a workflow: something that runs tools.
type Actor struct {
	ID        string // "agt_…" or "wfl_…"
	Tenant    string
	Kind      Kind   // KindAgent or KindWorkflow
	Name      string // unique in the tenant per Kind
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// A Grant is what a key may reach. An empty Toolkits or Tools means all of the
// tenant's; an empty Environments means none.
type Grant struct {
	Environments []environments.Name `json:"environments"`
	Toolkits     []string            `json:"toolkits,omitempty"` // slugs
	Tools        []string            `json:"tools,omitempty"`    // "<toolkit>_<tool>", as agents see them
	ReadOnly     bool                `json:"read_only,omitempty"`
}

// AllowsToolkit reports whether g reaches the toolkit with this slug.
func (g Grant) AllowsToolkit(slug string) bool {
	return len(g.Toolkits) == 0 || slices.Contains(g.Toolkits, slug)
}

// AllowsTool reports whether g reaches the tool with this name; readOnly is the
// tool's own annotation.
func (g Grant) AllowsTool(name string, readOnly bool) bool {
	return (len(g.Tools) == 0 || slices.Contains(g.Tools, name)) && (readOnly || !g.ReadOnly)
}

// A Key is the record of a key; the key itself is not in it.
type Key struct {
	ID        string // "key_…"
	Tenant    string
	Kind      Kind
	Actor     string // the agent or workflow; empty for KindAdmin
	Name      string
	Role      Role // Caller unless KindAdmin
	Grant     Grant
	Hash      []byte    // SHA-256 of the key
	Hint      string    // the first characters, to recognise it by
	CreatedAt time.Time // UTC
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not revoked
}

// A Principal is a caller whose key was found valid.
type Principal struct {
	Tenant string
	Kind   Kind
	Actor  string // agent or workflow id; empty for KindAdmin
	Name   string // the actor's or the key's name, for logs
	KeyID  string
	Role   Role
	Grant  Grant
}
