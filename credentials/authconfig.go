package credentials

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/page"
)

// An AuthConfig is how an app is authenticated to in one environment: the
// scheme and what is shared. Many connections may use one; rotating it reaches
// all of them.
type AuthConfig struct {
	ID          string // "auth_…"
	Tenant      string
	App         string // slug; never changes
	Environment environments.Name
	Scheme      string    // id of the auth scheme in the app's definition; never changes
	Name        string    // unique in tenant, app and environment
	Fields      []string  // names of the secrets that are set, never their values
	Hosts       []string  // the hosts that the credential may be sent to, as sealed with it
	Sealed      Sealed    // zero for a scheme without secrets
	Version     int64     // grows with every change; the ETag
	CreatedAt   time.Time // UTC, as all times here
	UpdatedAt   time.Time
	RotatedAt   time.Time // when the secrets were last set
}

// Binding returns the place that the config's data key belongs to.
func (c AuthConfig) Binding() Binding {
	return Binding{Tenant: c.Tenant, Environment: c.Environment, Record: c.ID}
}

// A Sealed is a credential at rest. Its plaintext names the app, the scheme and
// the hosts it was made for; its additional data are the Binding, the Serial,
// the app and the scheme.
type Sealed struct {
	Key    WrappedKey
	Serial int64  // grows with each sealing of one record: an old copy does not open
	Box    []byte // format, app, scheme, nonce and ciphertext, AES-256-GCM
}

// IsZero reports whether nothing is sealed.
func (s Sealed) IsZero() bool { return len(s.Box) == 0 }

// A Filter narrows a list of auth configs or connections; empty fields match
// all.
type Filter struct {
	App         string
	Environment environments.Name
	AuthConfig  string // connections only: those that use it
}

// AuthConfigs keeps auth configs. Ids of another tenant are fault.NotFound; a
// name that is taken is fault.Conflict. UpdateAuthConfig succeeds only when
// c.Version is the stored one and stores Version+1, otherwise it is
// fault.PreconditionFailed. Deleting one that a connection uses is fault.InUse.
// A store that cannot be reached is fault.StoreUnavailable.
type AuthConfigs interface {
	CreateAuthConfig(ctx context.Context, c AuthConfig) error
	AuthConfig(ctx context.Context, tenant, id string) (AuthConfig, error)
	ListAuthConfigs(ctx context.Context, tenant string, f Filter, p page.Request) (page.Page[AuthConfig], error)
	UpdateAuthConfig(ctx context.Context, c AuthConfig) error
	DeleteAuthConfig(ctx context.Context, tenant, id string) error
}
