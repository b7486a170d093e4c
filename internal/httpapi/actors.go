package httpapi

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
)

// An ActorBody is an agent or workflow. It is exported, as are the other types
// that are embedded, because huma passes over embedded types that are not.
type ActorBody struct {
	ID        string      `json:"id"`
	Kind      access.Kind `json:"kind"`
	Name      string      `json:"name"`
	Version   int64       `json:"version"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

type newActor struct {
	ActorBody
	Key issuedKey `json:"key"`
}

func actorOf(a access.Actor) ActorBody {
	return ActorBody{a.ID, a.Kind, a.Name, a.Version, a.CreatedAt, a.UpdatedAt}
}

// An ActorInput names an agent or workflow.
type ActorInput struct {
	ID string `path:"id" maxLength:"64" doc:"id of the agent or workflow"`
}

// A GrantInput is what a new key may reach.
type GrantInput struct {
	Grant     reach      `json:"grant" doc:"what the key may reach"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"when the key ends; never, if left out"`
}

// A reach is a grant as it is asked for.
type reach struct {
	Environments []environments.Name `json:"environments" nullable:"false" minItems:"1" doc:"environments that it may call in"`
	Toolkits     names               `json:"toolkits,omitempty" nullable:"false" minItems:"1" doc:"slugs of the toolkits that it reaches; all of the tenant's if left out"`
	Tools        names               `json:"tools,omitempty" nullable:"false" minItems:"1" doc:"full names of the tools that it reaches, as toolkit_tool; all of its toolkits' if left out"`
	ReadOnly     bool                `json:"read_only,omitempty" doc:"only tools that change nothing"`
}

func (in GrantInput) grant() access.Grant {
	g := in.Grant
	return access.Grant{Environments: g.Environments, Toolkits: g.Toolkits, Tools: g.Tools, ReadOnly: g.ReadOnly}
}

// actorRoutes adds the routes of agents or of workflows, which are alike.
func (a *API) actorRoutes(r *router, kind access.Kind) {
	base, nouns, one := "/v1/agents", "agents", "an agent"
	if kind == access.KindWorkflow {
		base, nouns, one = "/v1/workflows", "workflows", "a workflow"
	}
	x := actorAPI{a.Directory, kind}
	route(r, "GET "+base, access.Viewer, 200, "List "+nouns, x.list)
	route(r, "POST "+base, access.Admin, 201, "Make "+one+" and its first key", x.create)
	route(r, "GET "+base+"/{id}", access.Viewer, 200, "Read "+one, x.get)
	route(r, "PATCH "+base+"/{id}", access.Admin, 200, "Rename "+one, x.rename)
	route(r, "DELETE "+base+"/{id}", access.Admin, 204, "Delete "+one+" and revoke its keys", x.delete)
	route(r, "GET "+base+"/{id}/keys", access.Admin, 200, "List the keys of "+one, x.keys)
	route(r, "POST "+base+"/{id}/keys", access.Admin, 201, "Make a further key of "+one, x.issue)
	route(r, "DELETE "+base+"/{id}/keys/{key_id}", access.Admin, 204, "Revoke a key of "+one, x.revoke)
}

// An actorAPI answers for one kind of actor.
type actorAPI struct {
	directory *access.Directory
	kind      access.Kind
}

func (x actorAPI) list(ctx context.Context, p *access.Principal, in *ListInput) (*body[list[ActorBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := x.directory.Actors.ListActors(ctx, p.Tenant, x.kind, pr)
	return listed(got, err, actorOf)
}

func (x actorAPI) create(ctx context.Context, p *access.Principal, in *struct {
	Body struct {
		Name string `json:"name"`
		GrantInput
	}
}) (*versioned[newActor], error) {
	actor, key, err := x.directory.CreateActor(ctx, p.Tenant, x.kind, in.Body.Name, in.Body.grant(), orZero(in.Body.ExpiresAt))
	if err != nil {
		return nil, err
	}
	return tagged(newActor{actorOf(actor), issuedKey{keyOf(key.Key), key.Secret}}, actor.Version), nil
}

func (x actorAPI) get(ctx context.Context, p *access.Principal, in *ActorInput) (*versioned[ActorBody], error) {
	actor, err := x.directory.Actors.Actor(ctx, p.Tenant, x.kind, in.ID)
	if err != nil {
		return nil, err
	}
	return tagged(actorOf(actor), actor.Version), nil
}

func (x actorAPI) rename(ctx context.Context, p *access.Principal, in *struct {
	ActorInput
	IfMatchInput
	Body struct {
		Name string `json:"name"`
	}
}) (*versioned[ActorBody], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	actor, err := x.directory.RenameActor(ctx, p.Tenant, x.kind, in.ID, in.Body.Name, version)
	if err != nil {
		return nil, err
	}
	return tagged(actorOf(actor), actor.Version), nil
}

func (x actorAPI) delete(ctx context.Context, p *access.Principal, in *struct {
	ActorInput
	IfMatchInput
}) (*struct{}, error) {
	err := in.matches(func() (int64, error) {
		actor, err := x.directory.Actors.Actor(ctx, p.Tenant, x.kind, in.ID)
		return actor.Version, err
	})
	if err != nil {
		return nil, err
	}
	return nil, x.directory.DeleteActor(ctx, p.Tenant, x.kind, in.ID)
}

func (x actorAPI) keys(ctx context.Context, p *access.Principal, in *struct {
	ActorInput
	ListInput
}) (*body[list[KeyBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := x.directory.ListKeys(ctx, p.Tenant, x.kind, in.ID, pr)
	return listed(got, err, keyOf)
}

func (x actorAPI) issue(ctx context.Context, p *access.Principal, in *struct {
	ActorInput
	Body GrantInput
}) (*body[issuedKey], error) {
	key, err := x.directory.IssueActorKey(ctx, p.Tenant, x.kind, in.ID, in.Body.grant(), orZero(in.Body.ExpiresAt))
	if err != nil {
		return nil, err
	}
	return answer(issuedKey{keyOf(key.Key), key.Secret}), nil
}

func (x actorAPI) revoke(ctx context.Context, p *access.Principal, in *struct {
	ActorInput
	KeyID string `path:"key_id" maxLength:"64" doc:"id of the key, not the key itself"`
}) (*struct{}, error) {
	return nil, x.directory.RevokeActorKey(ctx, p.Tenant, x.kind, in.ID, in.KeyID)
}
