package httpapi

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/toolkits"
)

type toolkitBody struct {
	ID        string              `json:"id"`
	Slug      string              `json:"slug"`
	Title     string              `json:"title"`
	App       string              `json:"app"`
	Tools     []string            `json:"tools" nullable:"false" doc:"chosen tools of the app; empty means all"`
	Bindings  []toolkits.Binding  `json:"bindings" nullable:"false"`
	Missing   []environments.Name `json:"missing" nullable:"false" doc:"environments without a connection"`
	Version   int64               `json:"version"`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
}

func (a *API) toolkitOf(t toolkits.Toolkit) toolkitBody {
	return toolkitBody{t.ID, t.Slug, t.Title, t.App, orEmpty(t.Tools), orEmpty(t.Bindings), a.Toolkits.Missing(t),
		t.Version, t.CreatedAt, t.UpdatedAt}
}

// A ToolkitInput names a toolkit.
type ToolkitInput struct {
	Toolkit string `path:"toolkit" maxLength:"64" doc:"slug or id"`
}

func (a *API) toolkitRoutes(r *router) {
	const base = "/v1/toolkits"
	route(r, "GET "+base, access.Viewer, 200, "List toolkits", a.listToolkits)
	route(r, "POST "+base, access.Admin, 201, "Make a toolkit of an app's tools", a.createToolkit)
	route(r, "GET "+base+"/{toolkit}", access.Viewer, 200, "Read a toolkit", a.getToolkit)
	route(r, "PATCH "+base+"/{toolkit}", access.Admin, 200, "Change a toolkit's tools or bindings", a.editToolkit)
	route(r, "DELETE "+base+"/{toolkit}", access.Admin, 204, "Delete a toolkit", a.deleteToolkit)
}

func (a *API) listToolkits(ctx context.Context, p *access.Principal, in *ListInput) (*body[list[toolkitBody]], error) {
	pr, err := in.page()
	if err != nil {
		return nil, err
	}
	got, err := a.Toolkits.List(ctx, p.Tenant, pr)
	return listed(got, err, a.toolkitOf)
}

func (a *API) toolkit(t toolkits.Toolkit, err error) (*versioned[toolkitBody], error) {
	if err != nil {
		return nil, err
	}
	return tagged(a.toolkitOf(t), t.Version), nil
}

func (a *API) createToolkit(ctx context.Context, p *access.Principal, in *struct {
	Body struct {
		Slug     string             `json:"slug" doc:"first part of the tools' names"`
		Title    string             `json:"title,omitempty"`
		App      string             `json:"app"`
		Tools    []string           `json:"tools,omitempty"`
		Bindings []toolkits.Binding `json:"bindings,omitempty"`
	}
}) (*versioned[toolkitBody], error) {
	b := in.Body
	return a.toolkit(a.Toolkits.Create(ctx, toolkits.Toolkit{Tenant: p.Tenant, Slug: b.Slug, Title: b.Title, App: b.App,
		Tools: b.Tools, Bindings: b.Bindings}))
}

func (a *API) getToolkit(ctx context.Context, p *access.Principal, in *ToolkitInput) (*versioned[toolkitBody], error) {
	return a.toolkit(a.Toolkits.Get(ctx, p.Tenant, in.Toolkit))
}

func (a *API) editToolkit(ctx context.Context, p *access.Principal, in *struct {
	ToolkitInput
	IfMatchInput
	Body struct {
		Title    *string             `json:"title,omitempty"`
		Tools    *[]string           `json:"tools,omitempty"`
		Bindings *[]toolkits.Binding `json:"bindings,omitempty"`
	}
}) (*versioned[toolkitBody], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	return a.toolkit(a.Toolkits.Update(ctx, p.Tenant, in.Toolkit, toolkits.Edit{Title: in.Body.Title, Tools: in.Body.Tools,
		Bindings: in.Body.Bindings, Version: version}))
}

func (a *API) deleteToolkit(ctx context.Context, p *access.Principal, in *struct {
	ToolkitInput
	IfMatchInput
}) (*struct{}, error) {
	err := in.matches(func() (int64, error) {
		t, err := a.Toolkits.Get(ctx, p.Tenant, in.Toolkit)
		return t.Version, err
	})
	if err != nil {
		return nil, err
	}
	return nil, a.Toolkits.Delete(ctx, p.Tenant, in.Toolkit)
}
