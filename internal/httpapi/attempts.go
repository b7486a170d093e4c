package httpapi

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

type attemptError struct {
	Code    fault.Kind `json:"code"`
	Message string     `json:"message"`
}

type attemptBody struct {
	ID          string                    `json:"id"`
	Status      connections.AttemptStatus `json:"status" enum:"pending,succeeded,failed"`
	App         string                    `json:"app"`
	Environment environments.Name         `json:"environment"`
	Name        string                    `json:"name"`
	Scheme      string                    `json:"scheme"`
	AuthConfig  string                    `json:"auth_config,omitempty"`
	Connection  string                    `json:"connection,omitempty" doc:"what the attempt became, or will authorise again"`
	Error       *attemptError             `json:"error,omitempty" doc:"why its last test failed"`
	ExpiresAt   time.Time                 `json:"expires_at"`
	CreatedAt   time.Time                 `json:"created_at"`
	Version     int64                     `json:"version"`
}

func attemptOf(a connections.Attempt) attemptBody {
	out := attemptBody{ID: a.ID, Status: a.Status, App: a.App, Environment: a.Environment, Name: a.Name, Scheme: a.Scheme,
		AuthConfig: a.AuthConfig, Connection: a.Connection, ExpiresAt: a.ExpiresAt, CreatedAt: a.CreatedAt, Version: a.Version}
	if out.Connection == "" {
		out.Connection = a.Reauthorize
	}
	if a.Failure != "" {
		out.Error = &attemptError{a.Failure, a.Message}
	}
	return out
}

func (a *API) attemptRoutes(r *router) {
	route(r, "POST /v1/connections", access.Admin, 202, "Begin to connect an app: makes a pending attempt", a.beginAttempt)
	route(r, "POST /v1/connections/{id}/reauthorize", access.Operator, 202, "Begin to authorise a connection again", a.reauthorize)
	// An operator re-authorises, and so handles the attempts that do; those that
	// make new connections are for administrators. See attempt.
	route(r, "GET /v1/attempts/{id}", access.Operator, 200, "Read an attempt", a.getAttempt)
	route(r, "PATCH /v1/attempts/{id}", access.Operator, 200, "Correct an attempt, to test it again", a.correctAttempt)
	route(r, "GET /v1/connections/{id}/test", access.Operator, 200, "Test an attempt; when green it becomes a connection", a.testAttempt)
	route(r, "POST /v1/connections/{id}/test", access.Operator, 200, "Test an attempt; when green it becomes a connection", a.confirmAttempt)
}

// attempt returns an attempt that the principal may handle.
func (a *API) attempt(ctx context.Context, p *access.Principal, id string) (connections.Attempt, error) {
	got, err := a.Connections.Attempt(ctx, p.Tenant, id)
	if err == nil && got.Reauthorize == "" && !p.Role.Includes(access.Admin) {
		return connections.Attempt{}, fault.New(fault.PermissionDenied, "this key has the role %s, and making a connection needs %s", p.Role, access.Admin)
	}
	return got, err
}

// authInput is a credential of its own for the connection.
type authInput struct {
	Scheme string `json:"scheme,omitempty" doc:"id of an auth scheme of the app; may be left out if it has one"`
	Name   string `json:"name,omitempty" doc:"name of the auth config to make; the connection's if left out"`
	Fields fields `json:"fields,omitempty" doc:"the secrets that the scheme asks for"`
}

func (a *API) beginAttempt(ctx context.Context, p *access.Principal, in *struct {
	Body struct {
		App         string            `json:"app"`
		Environment environments.Name `json:"environment"`
		Name        string            `json:"name"`
		Params      map[string]any    `json:"params,omitempty"`
		AuthConfig  string            `json:"auth_config,omitempty" doc:"id of an existing auth config to use"`
		Auth        *authInput        `json:"auth,omitempty" doc:"or a credential of its own"`
	}
}) (*body[attemptBody], error) {
	b := in.Body
	q := connections.Request{App: b.App, Environment: b.Environment, Name: b.Name, Params: b.Params, AuthConfig: b.AuthConfig}
	if b.Auth != nil {
		q.Scheme, q.ConfigName, q.Secrets = b.Auth.Scheme, b.Auth.Name, b.Auth.Fields.secrets()
	}
	made, err := a.Connections.Begin(ctx, p.Tenant, q)
	if err != nil {
		return nil, err
	}
	return answer(attemptOf(made)), nil
}

func (a *API) reauthorize(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	Body *struct {
		Params map[string]any `json:"params,omitempty" doc:"those it has, if left out"`
		Auth   *authInput     `json:"auth,omitempty" doc:"a new credential; if left out, what it has is tested with the params"`
	}
}) (*body[attemptBody], error) {
	var (
		params map[string]any
		auth   authInput
	)
	if in.Body != nil {
		params = in.Body.Params
		if in.Body.Auth != nil {
			auth = *in.Body.Auth
		}
	}
	made, err := a.Connections.Reauthorize(ctx, p.Tenant, in.ID, params, auth.Scheme, auth.Fields.secrets())
	if err != nil {
		return nil, err
	}
	return answer(attemptOf(made)), nil
}

func (a *API) getAttempt(ctx context.Context, p *access.Principal, in *IDInput) (*versioned[attemptBody], error) {
	got, err := a.attempt(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	return tagged(attemptOf(got), got.Version), nil
}

func (a *API) correctAttempt(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	IfMatchInput
	Body struct {
		Name   string         `json:"name,omitempty" doc:"name of the connection"`
		Params map[string]any `json:"params,omitempty" doc:"all params of the app; those it has are kept if left out"`
		Fields fields         `json:"fields,omitempty" doc:"all secrets that the scheme asks for; those it has are kept if left out"`
	}
}) (*versioned[attemptBody], error) {
	current, err := a.attempt(ctx, p, in.ID)
	if err == nil {
		err = in.current(current.Version)
	}
	if err != nil {
		return nil, err
	}
	got, err := a.Connections.Correct(ctx, p.Tenant, in.ID, in.Body.Name, in.Body.Params, in.Body.Fields.secrets())
	if err != nil {
		return nil, err
	}
	return tagged(attemptOf(got), got.Version), nil
}

type testBody struct {
	Attempt    attemptBody    `json:"attempt"`
	Connection connectionBody `json:"connection"`
}

func (a *API) testAttempt(ctx context.Context, p *access.Principal, in *IDInput) (*body[testBody], error) {
	return a.test(ctx, p, in.ID, false)
}

func (a *API) confirmAttempt(ctx context.Context, p *access.Principal, in *struct {
	IDInput
	Body *struct {
		ConfirmIdentity bool `json:"confirm_identity,omitempty" doc:"accept that the credential belongs to another account than before"`
	}
}) (*body[testBody], error) {
	return a.test(ctx, p, in.ID, in.Body != nil && in.Body.ConfirmIdentity)
}

func (a *API) test(ctx context.Context, p *access.Principal, id string, confirmed bool) (*body[testBody], error) {
	if _, err := a.attempt(ctx, p, id); err != nil {
		return nil, err
	}
	got, c, err := a.Connections.Test(ctx, p.Tenant, id, confirmed)
	if err != nil {
		return nil, err
	}
	described, err := a.describe(ctx, p.Tenant, c)
	if err != nil {
		return nil, err
	}
	return answer(testBody{attemptOf(got), described[0]}), nil
}
