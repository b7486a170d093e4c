package httpapi

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

type healthBody struct {
	LastUsed    *time.Time `json:"last_used,omitempty"`
	LastChecked *time.Time `json:"last_checked,omitempty"`
	LastOK      *time.Time `json:"last_ok,omitempty"`
	LastFailure *time.Time `json:"last_failure,omitempty"`
	Failure     fault.Kind `json:"failure,omitempty" doc:"of the last failure"`
	Streak      int        `json:"streak" doc:"failures since the last success"`
	Calls       int64      `json:"calls"`
	Failures    int64      `json:"failures"`
	LatencyMS   int64      `json:"latency_ms" doc:"of the last use"`
}

type connectionBody struct {
	ID          string               `json:"id"`
	App         string               `json:"app"`
	Environment environments.Name    `json:"environment"`
	Name        string               `json:"name"`
	AuthConfig  string               `json:"auth_config"`
	Scheme      string               `json:"scheme" doc:"id of the app's auth scheme that it uses"`
	Params      map[string]any       `json:"params" nullable:"false"`
	Identity    connections.Identity `json:"identity" doc:"whom the app says the credential belongs to"`
	Status      connections.Status   `json:"status" enum:"active,expired,error,revoked"`
	Reason      fault.Kind           `json:"reason,omitempty" doc:"why the status is not active"`
	StatusSince time.Time            `json:"status_since"`
	Health      *healthBody          `json:"health,omitempty"`
	Version     int64                `json:"version"`
	CreatedAt   time.Time            `json:"created_at"`
	UpdatedAt   time.Time            `json:"updated_at"`
}

func healthOf(h connections.Health) *healthBody {
	return &healthBody{LastUsed: orNil(h.LastUsed), LastChecked: orNil(h.LastChecked), LastOK: orNil(h.LastOK),
		LastFailure: orNil(h.LastFailure), Failure: h.Failure, Streak: h.Streak, Calls: h.Calls, Failures: h.Failures,
		LatencyMS: h.Latency.Milliseconds()}
}

func (a *API) connectionRoutes(r *router) {
	const base = "/v1/connections"
	route(r, "GET "+base, access.Viewer, 200, "List connections", a.listConnections)
	route(r, "GET "+base+"/{id}", access.Viewer, 200, "Read a connection", a.getConnection)
	route(r, "PATCH "+base+"/{id}", access.Admin, 200, "Rename a connection", a.renameConnection)
	route(r, "DELETE "+base+"/{id}", access.Admin, 204, "Delete a connection that no toolkit binds", a.deleteConnection)
	for _, method := range []string{"GET ", "POST "} {
		route(r, method+base+"/{id}/check", access.Operator, 200, "Check that a connection works", a.checkConnection)
	}
	route(r, "POST "+base+"/{id}/refresh", access.Operator, 200, "Refresh a connection's token", a.refreshConnection)
	route(r, "POST "+base+"/{id}/revoke", access.Operator, 200, "Take a connection back, for good", a.revokeConnection)
}

func (a *API) listConnections(ctx context.Context, p *access.Principal, in *FilterInput) (*body[list[connectionBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := a.Connections.List(ctx, p.Tenant, in.filter(), pr)
	if err != nil {
		return nil, err
	}
	described, err := a.describe(ctx, p.Tenant, got.Items...)
	if err != nil {
		return nil, err
	}
	return answer(list[connectionBody]{Items: described, NextCursor: page.Cursor(got.Next)}), nil
}

// describe returns connections as they are answered, with the scheme of their
// auth configs and what is tracked of them.
func (a *API) describe(ctx context.Context, tenant string, all ...connections.Connection) ([]connectionBody, error) {
	health := a.health(ctx, tenant, all)
	schemes := map[string]string{} // by auth config, for many connections share one
	out := make([]connectionBody, len(all))
	for i, c := range all {
		if _, known := schemes[c.AuthConfig]; !known {
			cfg, err := a.Connections.AuthConfig(ctx, tenant, c.AuthConfig)
			if err != nil && !fault.Is(err, fault.NotFound) { // deleted since the connection was read
				return nil, err
			}
			schemes[c.AuthConfig] = cfg.Scheme
		}
		params := c.Params
		if params == nil {
			params = map[string]any{}
		}
		out[i] = connectionBody{ID: c.ID, App: c.App, Environment: c.Environment, Name: c.Name, AuthConfig: c.AuthConfig,
			Scheme: schemes[c.AuthConfig], Params: params, Identity: c.Identity, Status: c.Status, Reason: c.Reason,
			StatusSince: c.StatusSince, Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
		if h, ok := health[c.ID]; ok {
			out[i].Health = healthOf(h)
		}
	}
	return out, nil
}

// health returns what is tracked of connections. A tracker that is down leaves
// it out: the records are still worth reading.
func (a *API) health(ctx context.Context, tenant string, all []connections.Connection) map[string]connections.Health {
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.ID
	}
	health, err := a.Connections.Health(ctx, tenant, ids)
	if err != nil {
		a.Log.Warn().Err(err).Msg("reading health")
	}
	return health
}

// connection answers with one connection.
func (a *API) connection(ctx context.Context, c connections.Connection, err error) (*versioned[connectionBody], error) {
	if err != nil {
		return nil, err
	}
	described, err := a.describe(ctx, c.Tenant, c)
	if err != nil {
		return nil, err
	}
	return tagged(described[0], c.Version), nil
}

func (a *API) getConnection(ctx context.Context, p *access.Principal, in *IDInput) (*versioned[connectionBody], error) {
	c, err := a.Connections.Get(ctx, p.Tenant, in.ID)
	return a.connection(ctx, c, err)
}

func (a *API) renameConnection(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	IfMatchInput
	Body struct {
		Name string `json:"name"`
	}
}) (*versioned[connectionBody], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	c, err := a.Connections.Rename(ctx, p.Tenant, in.ID, in.Body.Name, version)
	return a.connection(ctx, c, err)
}

func (a *API) deleteConnection(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	IfMatchInput
}) (*struct{}, error) {
	err := in.matches(func() (int64, error) {
		c, err := a.Connections.Get(ctx, p.Tenant, in.ID)
		return c.Version, err
	})
	if err != nil {
		return nil, err
	}
	return nil, a.Connections.Delete(ctx, p.Tenant, in.ID)
}

func (a *API) revokeConnection(ctx context.Context, p *access.Principal, in *IDInput) (*versioned[connectionBody], error) {
	c, err := a.Connections.Revoke(ctx, p.Tenant, in.ID)
	return a.connection(ctx, c, err)
}

func (a *API) refreshConnection(ctx context.Context, p *access.Principal, in *IDInput) (*versioned[connectionBody], error) {
	c, err := a.Connections.Refresh(ctx, p.Tenant, in.ID)
	return a.connection(ctx, c, err)
}

type checkBody struct {
	OK         bool                  `json:"ok"`
	Identity   *connections.Identity `json:"identity,omitempty" doc:"whom the app says the credential belongs to"`
	Code       fault.Kind            `json:"code,omitempty" doc:"why the check failed"`
	Message    string                `json:"message,omitempty"`
	Fix        string                `json:"fix,omitempty"`
	LatencyMS  int64                 `json:"latency_ms"`
	Connection connectionBody        `json:"connection"`
}

func (a *API) checkConnection(ctx context.Context, p *access.Principal, in *IDInput) (*body[checkBody], error) {
	v, err := a.Connections.Check(ctx, p.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	described, err := a.describe(ctx, p.Tenant, v.Connection)
	if err != nil {
		return nil, err
	}
	out := checkBody{OK: v.Failure == nil, LatencyMS: v.Latency.Milliseconds(), Connection: described[0]}
	if v.Failure != nil {
		out.Code, out.Message, out.Fix = v.Failure.Kind, v.Failure.Msg, v.Failure.Remedy()
	} else {
		out.Identity = &v.Identity
	}
	return answer(out), nil
}
