package access

import (
	"context"

	"github.com/wayleave/wayleave/internal/page"
)

// Tenants keeps tenants. A name that is taken is fault.Conflict; one that does
// not exist is fault.NotFound. Every method honours its context and answers
// fault.StoreUnavailable when the store cannot be reached.
type Tenants interface {
	CreateTenant(ctx context.Context, t Tenant) error
	Tenant(ctx context.Context, id string) (Tenant, error)
	ListTenants(ctx context.Context, p page.Request) (page.Page[Tenant], error)
}

// Actors keeps agents and workflows. Ids of another tenant are fault.NotFound.
// Update succeeds only when a.Version is the stored one and stores Version+1;
// otherwise it is fault.PreconditionFailed. Delete revokes the actor's keys in
// the same transaction.
type Actors interface {
	CreateActor(ctx context.Context, a Actor) error
	Actor(ctx context.Context, tenant string, kind Kind, id string) (Actor, error)
	ListActors(ctx context.Context, tenant string, kind Kind, p page.Request) (page.Page[Actor], error)
	UpdateActor(ctx context.Context, a Actor) error
	DeleteActor(ctx context.Context, tenant string, kind Kind, id string) error
}

// Keys keeps the records of keys. KeyByHash is the only method without a
// tenant: it is how a tenant becomes known.
type Keys interface {
	CreateKey(ctx context.Context, k Key) error
	KeyByHash(ctx context.Context, hash []byte) (Key, error)
	ListKeys(ctx context.Context, tenant string, kind Kind, actor string, p page.Request) (page.Page[Key], error)
	RevokeKey(ctx context.Context, tenant, id string) error
	// CountAdminKeys tells a first start, which must hand out a key, from any
	// later one.
	CountAdminKeys(ctx context.Context) (int, error)
}
