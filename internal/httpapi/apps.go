package httpapi

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// An AuthSummary names a way to authenticate.
type AuthSummary struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Title string `json:"title"`
}

type appSummary struct {
	Slug       string        `json:"slug"`
	Title      string        `json:"title"`
	Summary    string        `json:"summary"`
	Categories []string      `json:"categories" nullable:"false"`
	Auth       []AuthSummary `json:"auth" nullable:"false"`
	Tools      int           `json:"tools" doc:"how many tools the app offers"`
}

type authBody struct {
	AuthSummary
	Help   string       `json:"help,omitempty"`
	Fields []apps.Field `json:"fields" nullable:"false"`
}

type toolBody struct {
	Name        string           `json:"name"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description"`
	Annotations apps.Annotations `json:"annotations"`
	InputSchema json.RawMessage  `json:"input_schema"`
}

type appBody struct {
	Slug       string       `json:"slug"`
	Title      string       `json:"title"`
	Summary    string       `json:"summary"`
	Categories []string     `json:"categories" nullable:"false"`
	DocsURL    string       `json:"docs_url,omitempty"`
	SetupURL   string       `json:"setup_url,omitempty"`
	Revision   int          `json:"revision"`
	Digest     string       `json:"digest" doc:"SHA-256 of the definition"`
	Params     []apps.Param `json:"params" nullable:"false"`
	Auth       []authBody   `json:"auth" nullable:"false"`
	Tools      []toolBody   `json:"tools" nullable:"false"`
}

func (a *API) appRoutes(r *router) {
	route(r, "GET /v1/apps", access.Viewer, 200, "List the apps that can be connected", a.listApps)
	route(r, "GET /v1/apps/{app}", access.Viewer, 200, "Describe an app", a.getApp)
	route(r, "GET /v1/environments", access.Caller, 200, "List the environments", a.listEnvironments)
}

func (a *API) listApps(_ context.Context, _ *access.Principal, in *struct {
	Category string `query:"category" maxLength:"48" doc:"only those of this category"`
	Query    string `query:"q" maxLength:"100" doc:"words to find in name and summary"`
}) (*body[list[appSummary]], error) {
	out := list[appSummary]{Items: []appSummary{}}
	for _, app := range a.Catalog.List() {
		if in.Category != "" && !slices.Contains(app.Categories, in.Category) || !mentions(app, in.Query) {
			continue
		}
		s := appSummary{Slug: app.Slug, Title: app.Title, Summary: app.Summary, Categories: orEmpty(app.Categories),
			Auth: []AuthSummary{}, Tools: len(app.Tools)}
		for _, x := range app.Auth {
			s.Auth = append(s.Auth, AuthSummary{x.ID, x.Type, x.Title})
		}
		out.Items = append(out.Items, s)
	}
	return answer(out), nil
}

func mentions(app *apps.App, query string) bool {
	text := strings.ToLower(app.Slug + " " + app.Title + " " + app.Summary)
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (a *API) getApp(ctx context.Context, p *access.Principal, in *struct {
	App string `path:"app" maxLength:"48" doc:"slug of the app"`
}) (*body[appBody], error) {
	app, err := a.Catalog.App(ctx, p.Tenant, in.App)
	if err != nil {
		return nil, err
	}
	out := appBody{Slug: app.Slug, Title: app.Title, Summary: app.Summary, Categories: orEmpty(app.Categories),
		DocsURL: app.DocsURL, SetupURL: app.SetupURL, Revision: app.Revision, Digest: app.Digest,
		Params: orEmpty(app.Params), Auth: []authBody{}, Tools: []toolBody{}}
	for _, x := range app.Auth {
		out.Auth = append(out.Auth, authBody{AuthSummary{x.ID, x.Type, x.Title}, x.Help, orEmpty(x.Fields)})
	}
	for _, t := range app.Tools {
		out.Tools = append(out.Tools, toolBody{t.Name, t.Title, t.Description, t.Annotations, t.Input})
	}
	return answer(out), nil
}

func (a *API) listEnvironments(context.Context, *access.Principal, *struct{}) (*body[list[environments.Name]], error) {
	return answer(list[environments.Name]{Items: a.Environments}), nil
}

// orEmpty returns an empty list for none, which JSON would write as null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
