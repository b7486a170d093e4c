package toolkits

import (
	"context"
	"slices"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
)

// An Opener opens the connection that a tool needs; *connections.Registry is
// one.
type Opener interface {
	Open(ctx context.Context, tenant, id string) (*connections.Upstream, error)
}

// A Runner runs tools for callers. It is what both doors call.
type Runner struct {
	Catalog     *Catalog
	Toolkits    Store
	Connections Opener
	Executor    Executor
	Now         func() time.Time

	indexes  *feed.Cache[*index]
	toolsets *feed.Cache[*Toolset]
}

// NewRunner returns a Runner of the catalog's tools, which remembers toolkits
// for as long as the feed is fresh. now may be nil.
func NewRunner(catalog *Catalog, toolkits Store, opener Opener, executor Executor, f *feed.Feed, now func() time.Time) *Runner {
	if now == nil {
		now = time.Now
	}
	return &Runner{Catalog: catalog, Toolkits: toolkits, Connections: opener, Executor: executor, Now: now,
		indexes: indexCache(f), toolsets: toolsetCache(f)}
}

// A plan is a call that was found permitted: which tool, with which arguments,
// in which environment and over which connection.
type plan struct {
	*indexed
	arguments   map[string]any
	environment environments.Name
	binding     Binding
}

// plan decides what a call amounts to, and touches nothing.
func (r *Runner) plan(ctx context.Context, c Call) (plan, error) {
	ix, err := r.index(ctx, c.Principal.Tenant)
	if err != nil {
		return plan{}, err
	}
	it, err := ix.find(c.Tool, c.Principal.Grant)
	if err != nil {
		return plan{}, err
	}
	env, err := environments.Resolve(c.Principal.Grant.Environments, c.Environment)
	if err != nil {
		return plan{}, err
	}
	if err := it.takeLabel(&c, env); err != nil {
		return plan{}, err
	}
	args, err := it.tool.Check(c.Arguments)
	if err != nil {
		return plan{}, err
	}
	b, err := it.choose(env, c.Connection)
	if err != nil {
		return plan{}, err
	}
	return plan{indexed: it, arguments: args, environment: env, binding: b}, nil
}

// open opens the plan's connection and makes sure that it is the one the plan
// means: whatever the records say, a call never leaves its environment.
func (r *Runner) open(ctx context.Context, p *access.Principal, plan plan) (*connections.Upstream, error) {
	up, err := r.Connections.Open(ctx, p.Tenant, plan.binding.Connection)
	if err != nil {
		return nil, err
	}
	c := up.Connection()
	if c.Tenant != p.Tenant || c.Environment != plan.environment || c.App != plan.app.Slug {
		return nil, fault.New(fault.EnvironmentNotBound, "the connection bound to the toolkit %s does not belong to the environment %s", plan.toolkit.Slug, plan.environment)
	}
	if len(plan.tool.Auth) > 0 && !slices.Contains(plan.tool.Auth, up.Scheme()) {
		return nil, fault.New(fault.ScopeMissing, "the tool %s cannot be used with the authentication scheme %q of the connection", plan.name, up.Scheme())
	}
	return up, nil
}

// Run runs a tool. What a caller may not do, or not with these arguments, is a
// fault before anything is sent; what the app says no to is a fault, too. Beside
// a fault the Result tells what the call ran on, as far as it came.
func (r *Runner) Run(ctx context.Context, c Call) (*Result, error) {
	began := r.Now()
	plan, err := r.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	res := &Result{Environment: plan.environment}
	up, err := r.open(ctx, c.Principal, plan)
	if err != nil {
		return res, err
	}
	res.Source = plan.source(up.Connection())
	content, more, err := r.Executor.Execute(ctx, up, plan.tool, plan.arguments)
	if err != nil {
		return res, err
	}
	text, cut, err := fit(content, plan.tool.Output.MaxBytes)
	if err != nil {
		return res, fault.Wrap(fault.Internal, err, "the result of %s cannot be written as JSON", plan.name)
	}
	res.Text, res.Truncated, res.Took = text, more || cut, r.Now().Sub(began)
	return res, nil
}

func (p plan) source(c connections.Connection) Source {
	account := c.Identity.Label
	if account == "" {
		account = c.Identity.ID
	}
	return Source{Toolkit: p.toolkit.Slug, Connection: c.ID, Name: c.Name, Account: account}
}

// An Explanation says what a call would do, without doing it.
type Explanation struct {
	Tool        string
	Environment environments.Name
	Source      Source
	App         string
	Scheme      string
	Method      string
	Host        string
	Path        string // as the definition writes it, with its placeholders
	ReadOnly    bool
}

// Explain says what a call would do: the same decisions as Run, up to but not
// including the request. What Run would refuse is the same fault.
func (r *Runner) Explain(ctx context.Context, c Call) (Explanation, error) {
	plan, err := r.plan(ctx, c)
	if err != nil {
		return Explanation{}, err
	}
	up, err := r.open(ctx, c.Principal, plan)
	if err != nil {
		return Explanation{}, err
	}
	return Explanation{Tool: plan.name, Environment: plan.environment, Source: plan.source(up.Connection()),
		App: plan.app.Slug, Scheme: up.Scheme(), Host: plan.tool.Request.Host(up.Site()), Method: plan.tool.Request.Method,
		Path: plan.tool.Request.PathTemplate(), ReadOnly: plan.tool.Annotations.ReadOnly}, nil
}

// Name returns the name of a toolkit's tool for one given by a caller: the app's
// own name, such as "list_notes", or the full one.
func (r *Runner) Name(ctx context.Context, tenant, toolkit, tool string) (string, error) {
	ix, err := r.index(ctx, tenant)
	if err != nil {
		return "", err
	}
	full := ToolName(toolkit, tool)
	if it := ix.byName[tool]; it != nil && it.toolkit.Slug == toolkit && ix.byName[full] == nil {
		return tool, nil
	}
	return full, nil
}
