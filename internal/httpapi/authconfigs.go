package httpapi

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
)

type authConfigBody struct {
	ID          string            `json:"id"`
	App         string            `json:"app"`
	Environment environments.Name `json:"environment"`
	Scheme      string            `json:"scheme"`
	Name        string            `json:"name"`
	Fields      []string          `json:"fields" nullable:"false" doc:"names of the secrets that are set; their values are never shown"`
	Hosts       []string          `json:"hosts" nullable:"false" doc:"the hosts that the credential may be sent to"`
	Version     int64             `json:"version"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
	RotatedAt   time.Time         `json:"rotated_at"`
}

func authConfigOf(c credentials.AuthConfig) authConfigBody {
	return authConfigBody{c.ID, c.App, c.Environment, c.Scheme, c.Name, orEmpty(c.Fields), orEmpty(c.Hosts),
		c.Version, c.CreatedAt, c.UpdatedAt, c.RotatedAt}
}

// A FilterInput asks for a part of a list.
type FilterInput struct {
	ListInput
	App         string            `query:"app" maxLength:"48" doc:"only those of this app"`
	Environment environments.Name `query:"environment" maxLength:"32" doc:"only those of this environment"`
}

func (in FilterInput) filter() credentials.Filter {
	return credentials.Filter{App: in.App, Environment: in.Environment}
}

func (a *API) authConfigRoutes(r *router) {
	const base = "/v1/auth-configs"
	route(r, "GET "+base, access.Viewer, 200, "List auth configs", a.listAuthConfigs)
	route(r, "POST "+base, access.Admin, 201, "Make an auth config that connections can share", a.createAuthConfig)
	route(r, "GET "+base+"/{id}", access.Viewer, 200, "Read an auth config", a.getAuthConfig)
	route(r, "PATCH "+base+"/{id}", access.Admin, 200, "Rename an auth config, or rotate its secrets", a.editAuthConfig)
	route(r, "DELETE "+base+"/{id}", access.Admin, 204, "Delete an auth config that no connection uses", a.deleteAuthConfig)
}

// An IDInput names a record.
type IDInput struct {
	ID string `path:"id" maxLength:"64" doc:"id of the record"`
}

func (a *API) listAuthConfigs(ctx context.Context, p *access.Principal, in *FilterInput) (*body[list[authConfigBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := a.Connections.ListAuthConfigs(ctx, p.Tenant, in.filter(), pr)
	return listed(got, err, authConfigOf)
}

func (a *API) createAuthConfig(ctx context.Context, p *access.Principal, in *struct {
	Body struct {
		App         string            `json:"app"`
		Environment environments.Name `json:"environment"`
		Scheme      string            `json:"scheme,omitempty" doc:"id of an auth scheme of the app; may be left out if it has one"`
		Name        string            `json:"name"`
		Params      map[string]any    `json:"params,omitempty" doc:"of the connections to come; they decide the hosts that the credential may be sent to"`
		Fields      fields            `json:"fields,omitempty" doc:"the secrets that the scheme asks for"`
	}
}) (*versioned[authConfigBody], error) {
	b := in.Body
	c, err := a.Connections.CreateAuthConfig(ctx, p.Tenant, connections.ConfigRequest{App: b.App, Environment: b.Environment,
		Scheme: b.Scheme, Name: b.Name, Params: b.Params, Secrets: b.Fields.secrets()})
	if err != nil {
		return nil, err
	}
	return tagged(authConfigOf(c), c.Version), nil
}

func (a *API) getAuthConfig(ctx context.Context, p *access.Principal, in *IDInput) (*versioned[authConfigBody], error) {
	c, err := a.Connections.AuthConfig(ctx, p.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return tagged(authConfigOf(c), c.Version), nil
}

func (a *API) editAuthConfig(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	IfMatchInput
	Body struct {
		Name     string `json:"name,omitempty"`
		Fields   fields `json:"fields,omitempty" doc:"secrets to replace; those left out are kept"`
		SkipTest bool   `json:"skip_test,omitempty" doc:"store new secrets without testing them first"`
	}
}) (*versioned[authConfigBody], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	c, err := a.Connections.EditAuthConfig(ctx, p.Tenant, in.ID, connections.ConfigEdit{Name: in.Body.Name,
		Secrets: in.Body.Fields.secrets(), SkipTest: in.Body.SkipTest, Version: version})
	if err != nil {
		return nil, err
	}
	return tagged(authConfigOf(c), c.Version), nil
}

func (a *API) deleteAuthConfig(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	IfMatchInput
}) (*struct{}, error) {
	err := in.matches(func() (int64, error) {
		c, err := a.Connections.AuthConfig(ctx, p.Tenant, in.ID)
		return c.Version, err
	})
	if err != nil {
		return nil, err
	}
	return nil, a.Connections.DeleteAuthConfig(ctx, p.Tenant, in.ID)
}
