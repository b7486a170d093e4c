package toolkits

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/page"
)

// A Toolkit is an app's chosen tools under one slug, bound to a connection per
// environment.
type Toolkit struct {
	ID        string // "tk_…"
	Tenant    string
	Slug      string // unique in the tenant; the first part of its tools' names
	Title     string
	App       string   // slug
	Tools     []string // chosen tools of the app; empty means all
	Bindings  []Binding
	Version   int64     // grows with every change; the ETag
	CreatedAt time.Time // UTC
	UpdatedAt time.Time
}

// A Binding is a connection that a toolkit uses in an environment. Several in
// one environment are told apart by label, and a call must then name one.
type Binding struct {
	Environment environments.Name `json:"environment"`
	Label       string            `json:"label,omitempty"`
	Connection  string            `json:"connection"`
}

// A Store keeps toolkits. Ids of another tenant are fault.NotFound, as are
// unknown ones; a slug that is taken is fault.Conflict. UpdateToolkit succeeds
// only when t.Version is the stored one and stores Version+1, otherwise it is
// fault.PreconditionFailed. A store that cannot be reached is
// fault.StoreUnavailable.
type Store interface {
	CreateToolkit(ctx context.Context, t Toolkit) error
	// Toolkit finds a toolkit by id or by slug.
	Toolkit(ctx context.Context, tenant, idOrSlug string) (Toolkit, error)
	ListToolkits(ctx context.Context, tenant string, p page.Request) (page.Page[Toolkit], error)
	UpdateToolkit(ctx context.Context, t Toolkit) error
	DeleteToolkit(ctx context.Context, tenant, id string) error
}
