package connections

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

// A Status is how a connection stands.
type Status string

// The statuses of a connection.
const (
	Active  Status = "active"  // it last worked
	Expired Status = "expired" // the grant has ended; only authorising again helps
	Error   Status = "error"   // its last check failed; calls are still tried
	Revoked Status = "revoked" // taken back; refused everywhere, for good
)

// A Connection is an authorised link to an app in one environment.
type Connection struct {
	ID          string // "conn_…"
	Tenant      string
	App         string // slug
	Environment environments.Name
	Name        string         // unique in tenant, app and environment
	AuthConfig  string         // id of the AuthConfig it authenticates with
	Params      map[string]any // as checked by the app's definition: string, json.Number or bool
	Identity    Identity       // whom the app says we are
	Status      Status
	Reason      fault.Kind // why Status is not Active; empty when it is
	StatusSince time.Time  // UTC, as all times here
	Version     int64      // grows with every change; the ETag
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Identity is whom the app says a credential belongs to.
type Identity struct {
	ID    string `json:"id,omitempty"`
	Label string `json:"label,omitempty"`
}

// An AttemptStatus is how an attempt stands.
type AttemptStatus string

// The statuses of an attempt.
const (
	AttemptPending   AttemptStatus = "pending"
	AttemptSucceeded AttemptStatus = "succeeded"
	AttemptFailed    AttemptStatus = "failed" // keeps its error; it can be tested again
)

// An Attempt is a connection being made, or made anew. Nothing else is created
// until its test succeeds.
type Attempt struct {
	ID          string // "att_…"
	Tenant      string
	App         string
	Environment environments.Name
	Name        string
	Params      map[string]any
	Scheme      string             // id of the auth scheme in the app's definition
	AuthConfig  string             // an existing AuthConfig to use; else one is made from Sealed
	ConfigName  string             // name of the AuthConfig to make
	Fields      []string           // names of the secrets given
	Hosts       []string           // the hosts that the credential may be sent to
	Sealed      credentials.Sealed // the secrets given, bound to the attempt; cleared when it succeeds
	Reauthorize string             // the connection being authorised again; empty for a new one
	Status      AttemptStatus
	Failure     fault.Kind // why it failed
	Message     string     // the same, for a person; no secret, no upstream body
	Connection  string     // what it became
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ExpiresAt   time.Time // after which it is forgotten
	Version     int64
}

// Binding returns the place that the attempt's data key belongs to.
func (a Attempt) Binding() credentials.Binding {
	return credentials.Binding{Tenant: a.Tenant, Environment: a.Environment, Record: a.ID}
}

// A Store keeps connections. Ids of another tenant are fault.NotFound, as are
// unknown ones; a name that is taken is fault.Conflict. UpdateConnection
// succeeds only when c.Version is the stored one and stores Version+1,
// otherwise it is fault.PreconditionFailed. Deleting one that a toolkit binds is
// fault.InUse. A store that cannot be reached is fault.StoreUnavailable.
type Store interface {
	Connection(ctx context.Context, tenant, id string) (Connection, error)
	ListConnections(ctx context.Context, tenant string, f credentials.Filter, p page.Request) (page.Page[Connection], error)
	UpdateConnection(ctx context.Context, c Connection) error
	DeleteConnection(ctx context.Context, tenant, id string) error
}

// Attempts keeps attempts, and turns one into a connection.
type Attempts interface {
	CreateAttempt(ctx context.Context, a Attempt) error
	Attempt(ctx context.Context, tenant, id string) (Attempt, error)
	// UpdateAttempt succeeds only when a.Version is the stored one and stores
	// Version+1, otherwise it is fault.PreconditionFailed.
	UpdateAttempt(ctx context.Context, a Attempt) error
	// Promote stores, in one transaction, the attempt as succeeded and without
	// its secrets, the new or changed AuthConfig (nil if an existing one is used
	// as it is) and the new or changed connection. Records whose Version is 0 are
	// created with Version 1; others are updated under the rule of
	// UpdateConnection.
	Promote(ctx context.Context, a Attempt, cfg *credentials.AuthConfig, c Connection) error
	// DeleteAttemptsBefore forgets attempts that expired before t and returns how
	// many.
	DeleteAttemptsBefore(ctx context.Context, t time.Time) (int, error)
}
