package httpapi

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

// A TenantBody is a tenant.
type TenantBody struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// A KeyBody is the record of a key.
type KeyBody struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Role      access.Role  `json:"role"`
	Grant     access.Grant `json:"grant"`
	Hint      string       `json:"hint" doc:"the first characters of the key"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt *time.Time   `json:"expires_at,omitempty"`
	RevokedAt *time.Time   `json:"revoked_at,omitempty"`
}

// An issuedKey is the answer that shows a key, once.
type issuedKey struct {
	KeyBody
	Key string `json:"key" doc:"the key itself; it is not shown again"`
}

type newTenant struct {
	TenantBody
	AdminKey string `json:"admin_key" doc:"the tenant's first administrator key; it is not shown again"`
}

func keyOf(k access.Key) KeyBody {
	return KeyBody{ID: k.ID, Name: k.Name, Role: k.Role, Grant: k.Grant, Hint: k.Hint, CreatedAt: k.CreatedAt,
		ExpiresAt: orNil(k.ExpiresAt), RevokedAt: orNil(k.RevokedAt)}
}

func tenantOf(t access.Tenant) TenantBody { return TenantBody{t.ID, t.Name, t.CreatedAt} }

// orNil returns nil for the zero time, which JSON would write as a date.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (a *API) directoryRoutes(r *router) {
	route(r, "GET /v1/whoami", access.Caller, 200, "Say whose key this is", a.whoami)
	route(r, "GET /v1/tenants", access.System, 200, "List tenants", a.listTenants)
	route(r, "POST /v1/tenants", access.System, 201, "Make a tenant and its first administrator key", a.createTenant)
	route(r, "GET /v1/keys", access.Admin, 200, "List administrative keys", a.listKeys)
	route(r, "POST /v1/keys", access.Admin, 201, "Make an administrative key", a.createKey)
	route(r, "DELETE /v1/keys/{id}", access.Admin, 204, "Revoke an administrative key", a.revokeKey)
}

type whoamiBody struct {
	Tenant string       `json:"tenant"`
	Kind   access.Kind  `json:"kind"`
	Name   string       `json:"name"`
	Role   access.Role  `json:"role"`
	Grant  access.Grant `json:"grant"`
}

func (a *API) whoami(_ context.Context, p *access.Principal, _ *struct{}) (*body[whoamiBody], error) {
	return answer(whoamiBody{p.Tenant, p.Kind, p.Name, p.Role, p.Grant}), nil
}

func (a *API) listTenants(ctx context.Context, _ *access.Principal, in *ListInput) (*body[list[TenantBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := a.Directory.Tenants.ListTenants(ctx, pr)
	return listed(got, err, tenantOf)
}

func (a *API) createTenant(ctx context.Context, _ *access.Principal, in *struct {
	Body struct {
		Name string `json:"name"`
	}
}) (*body[newTenant], error) {
	t, key, err := a.Directory.CreateTenant(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return answer(newTenant{tenantOf(t), key.Secret}), nil
}

func (a *API) listKeys(ctx context.Context, p *access.Principal, in *ListInput) (*body[list[KeyBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := a.Directory.ListKeys(ctx, p.Tenant, access.KindAdmin, "", pr)
	return listed(got, err, keyOf)
}

func (a *API) createKey(ctx context.Context, p *access.Principal, in *struct {
	Body struct {
		Name      string      `json:"name"`
		Role      access.Role `json:"role" enum:"viewer,operator,admin,system"`
		ExpiresAt *time.Time  `json:"expires_at,omitempty"`
	}
}) (*body[issuedKey], error) {
	if !p.Role.Includes(in.Body.Role) {
		return nil, fault.New(fault.PermissionDenied, "a key with the role %s cannot make one with a higher role", p.Role)
	}
	key, err := a.Directory.IssueAdminKey(ctx, p.Tenant, in.Body.Name, in.Body.Role, orZero(in.Body.ExpiresAt))
	if err != nil {
		return nil, err
	}
	return answer(issuedKey{keyOf(key.Key), key.Secret}), nil
}

func (a *API) revokeKey(ctx context.Context, p *access.Principal, in *struct {
	ID string `path:"id" maxLength:"64" doc:"id of the key, not the key itself"`
}) (*struct{}, error) {
	return nil, a.Directory.RevokeAdminKey(ctx, p, in.ID)
}
