package httpapi

import (
	"context"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/toolkits"
)

// An Authenticator turns a key into its Principal; *access.Authenticator is one.
type Authenticator interface {
	Authenticate(ctx context.Context, key string) (*access.Principal, error)
}

// A Runner runs and explains tools; *toolkits.Runner is one.
type Runner interface {
	Toolset(ctx context.Context, p *access.Principal, asked environments.Name) (*toolkits.Toolset, error)
	Run(ctx context.Context, c toolkits.Call) (*toolkits.Result, error)
	Explain(ctx context.Context, c toolkits.Call) (toolkits.Explanation, error)
	Name(ctx context.Context, tenant, toolkit, tool string) (string, error)
}

// A Check is one thing that the server needs, and whether it works.
type Check struct {
	Name string `json:"name" doc:"what was checked" example:"store"`
	OK   bool   `json:"ok"`
	Msg  string `json:"message,omitempty" doc:"what is wrong"`
	Fix  string `json:"fix,omitempty" doc:"what to do about it"`
}

// API is what the routes work with. Every field is needed.
type API struct {
	Auth         Authenticator
	Directory    *access.Directory
	Connections  *connections.Registry
	Toolkits     *toolkits.Registry
	Catalog      *toolkits.Catalog
	Runner       Runner
	Environments environments.Set
	Ready        func(ctx context.Context) []Check
	Version      string
	Log          zerolog.Logger
}

// Handler returns the REST door.
func (a *API) Handler() http.Handler {
	setUpHuma()
	config := huma.DefaultConfig("Wayleave", a.Version)
	config.Info.Description = "Manage connections and toolkits, and call tools over HTTP. " +
		"Every failure is a problem (RFC 9457) with a code of the failure vocabulary."
	config.CreateHooks = nil // no $schema links: they repeat the Host header
	config.DocsPath = ""     // the page would load scripts from elsewhere
	config.SchemasPath = ""
	config.RejectUnknownQueryParameters = true
	config.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "A key of an administrator, agent or workflow: wl_…"},
	}
	mux := http.NewServeMux()
	r := &router{api: humago.New(mux, config), auth: a.Auth, log: a.Log}
	a.healthRoutes(mux)
	a.appRoutes(r)
	a.directoryRoutes(r)
	a.actorRoutes(r, access.KindAgent)
	a.actorRoutes(r, access.KindWorkflow)
	a.authConfigRoutes(r)
	a.connectionRoutes(r)
	a.attemptRoutes(r)
	a.toolkitRoutes(r)
	a.callRoutes(r)
	mux.HandleFunc("/", fallback(mux))
	return a.outer(mux)
}

// setUpHuma sets what huma keeps for the whole process, once: servers that run
// beside each other read it.
var setUpHuma = sync.OnceFunc(func() {
	huma.NewErrorWithContext = newProblem
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return newProblem(nil, status, msg, errs...)
	}
	huma.ValidateStrictCasing = true // {"Name": …} is not {"name": …}
})
