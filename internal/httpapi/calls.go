package httpapi

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/apps"
)

type toolEntry struct {
	Name        string           `json:"name" doc:"full name, as agents see it"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description"`
	InputSchema json.RawMessage  `json:"input_schema"`
	Annotations apps.Annotations `json:"annotations"`
}

type resultBody struct {
	Result      json.RawMessage   `json:"result"`
	Truncated   bool              `json:"truncated" doc:"the result was cut to its cap, or the app has more"`
	Environment environments.Name `json:"environment"`
	Connection  toolkits.Source   `json:"connection"`
	TookMS      int64             `json:"took_ms"`
	Replayed    bool              `json:"replayed" doc:"the answer of an earlier call with the same Idempotency-Key"`
}

type explanationBody struct {
	Allowed      bool              `json:"allowed" doc:"whether the call would be sent"`
	Code         fault.Kind        `json:"code,omitempty" doc:"why it would not"`
	Reason       string            `json:"reason,omitempty" doc:"the same in words"`
	Fix          string            `json:"fix,omitempty" doc:"what to do about it"`
	Tool         string            `json:"tool" doc:"full name of the tool"`
	Environment  environments.Name `json:"environment,omitempty"`
	Connection   *toolkits.Source  `json:"connection,omitempty"`
	App          string            `json:"app,omitempty"`
	Scheme       string            `json:"scheme,omitempty"`
	Host         string            `json:"host,omitempty"`
	Method       string            `json:"method,omitempty"`
	PathTemplate string            `json:"path_template,omitempty" doc:"path of the request, with its placeholders"`
	ReadOnly     bool              `json:"read_only"`
}

// A CallInput is a call of a tool. Environment may be left out by a key that
// grants one only.
type CallInput struct {
	ToolkitInput
	Tool string `path:"tool" maxLength:"64" doc:"the app's name of the tool, or the full one"`
	Body struct {
		Environment environments.Name `json:"environment,omitempty" doc:"where to call; may be left out by a key that grants one environment"`
		Arguments   json.RawMessage   `json:"arguments,omitempty" doc:"what the tool's input_schema describes"`
		Connection  string            `json:"connection,omitempty" doc:"label, where several connections are bound"`
	}
}

func (a *API) callRoutes(r *router) {
	const base = "/v1/toolkits/{toolkit}/tools"
	route(r, "GET "+base, access.Caller, 200, "List the tools of a toolkit that this key may call", a.listTools)
	route(r, "POST "+base+"/{tool}", access.Caller, 200, "Call a tool", a.callTool)
	route(r, "POST "+base+"/{tool}/explain", access.Caller, 200, "Say what a call would do, without doing it", a.explainCall)
}

func (a *API) listTools(ctx context.Context, p *access.Principal, in *struct {
	ToolkitInput
	Environment environments.Name `query:"environment" maxLength:"32" doc:"may be left out by a key that grants one environment"`
}) (*body[list[toolEntry]], error) {
	slug, err := a.slug(ctx, p, in.Toolkit)
	if err != nil {
		return nil, err
	}
	set, err := a.Runner.Toolset(ctx, p, in.Environment)
	if err != nil {
		return nil, err
	}
	out := list[toolEntry]{Items: []toolEntry{}}
	for _, t := range set.Tools {
		if t.Toolkit == slug {
			out.Items = append(out.Items, toolEntry{t.Name, t.Title, t.Description, t.InputSchema, t.Annotations})
		}
	}
	return answer(out), nil
}

// slug returns the slug of a toolkit that the principal reaches. Any other is
// not found, whether it exists or not.
func (a *API) slug(ctx context.Context, p *access.Principal, idOrSlug string) (string, error) {
	t, err := a.Toolkits.Get(ctx, p.Tenant, idOrSlug)
	if err == nil && !p.Grant.AllowsToolkit(t.Slug) {
		err = fault.New(fault.NotFound, "there is no toolkit %q", idOrSlug)
	}
	return t.Slug, err
}

// call turns the request into a Call.
func (a *API) call(ctx context.Context, p *access.Principal, in *CallInput) (c toolkits.Call, err error) {
	slug := in.Toolkit
	if strings.Contains(slug, "_") { // an id; a warm call by slug asks no store
		if slug, err = a.slug(ctx, p, slug); err != nil {
			return c, err
		}
	}
	name, err := a.Runner.Name(ctx, p.Tenant, slug, in.Tool)
	return toolkits.Call{Principal: p, Environment: in.Body.Environment, Tool: name, Arguments: in.Body.Arguments,
		Connection: in.Body.Connection}, err
}

func (a *API) callTool(ctx context.Context, p *access.Principal, in *struct {
	CallInput
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"makes a write safe to repeat: a second call with the same key and arguments answers as the first did"`
}) (*body[resultBody], error) {
	c, err := a.call(ctx, p, &in.CallInput)
	if err != nil {
		return nil, err
	}
	c.IdempotencyKey = in.IdempotencyKey
	res, err := a.Runner.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	return answer(resultBody{Result: res.Text, Truncated: res.Truncated, Environment: res.Environment, Connection: res.Source,
		TookMS: res.Took.Milliseconds(), Replayed: res.Replayed}), nil
}

func (a *API) explainCall(ctx context.Context, p *access.Principal, in *CallInput) (*body[explanationBody], error) {
	c, err := a.call(ctx, p, in)
	if err != nil {
		return nil, err
	}
	e, err := a.Runner.Explain(ctx, c)
	if f := fault.From(err); f != nil && explainable[f.Kind] {
		return answer(explanationBody{Code: f.Kind, Reason: f.Msg, Fix: f.Remedy(), Tool: c.Tool, Environment: c.Environment}), nil
	}
	if err != nil {
		return nil, err
	}
	return answer(explanationBody{Allowed: true, Tool: e.Tool, Environment: e.Environment, Connection: &e.Source, App: e.App,
		Scheme: e.Scheme, Host: e.Host, Method: e.Method, PathTemplate: e.Path, ReadOnly: e.ReadOnly}), nil
}

// explainable are the refusals that an explanation tells. Others say that the
// question itself is wrong, or that it cannot be answered now.
var explainable = map[fault.Kind]bool{
	fault.ToolDenied: true, fault.EnvironmentDenied: true, fault.EnvironmentNotBound: true, fault.AmbiguousConnection: true,
	fault.ConnectionExpired: true, fault.ConnectionRevoked: true, fault.ScopeMissing: true,
}
