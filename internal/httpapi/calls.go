package httpapi

import (
	"context"
	"encoding/json"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
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
	Tool        string            `json:"tool"`
	Environment environments.Name `json:"environment"`
	Connection  toolkits.Source   `json:"connection"`
	App         string            `json:"app"`
	Scheme      string            `json:"scheme"`
	Method      string            `json:"method"`
	Host        string            `json:"host"`
	ReadOnly    bool              `json:"read_only"`
}

// callInput is a call of a tool. Environment may be left out by a key that
// grants one only.
type callInput struct {
	ToolkitInput
	Tool           string `path:"tool" maxLength:"64" doc:"the app's name of the tool, or the full one"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"makes a write safe to repeat: a second call with the same key and arguments answers as the first did"`
	Body           struct {
		Environment environments.Name `json:"environment,omitempty"`
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
	Environment environments.Name `query:"environment" maxLength:"32"`
}) (*body[list[toolEntry]], error) {
	set, err := a.Runner.Toolset(ctx, p, in.Environment)
	if err != nil {
		return nil, err
	}
	out := list[toolEntry]{Items: []toolEntry{}}
	for _, t := range set.Tools {
		if t.Toolkit == in.Toolkit {
			out.Items = append(out.Items, toolEntry{t.Name, t.Title, t.Description, t.InputSchema, t.Annotations})
		}
	}
	return answer(out), nil
}

// call turns the request into a Call.
func (a *API) call(ctx context.Context, p *access.Principal, in *callInput) (toolkits.Call, error) {
	name, err := a.Runner.Name(ctx, p.Tenant, in.Toolkit, in.Tool)
	return toolkits.Call{Principal: p, Environment: in.Body.Environment, Tool: name, Arguments: in.Body.Arguments,
		Connection: in.Body.Connection, IdempotencyKey: in.IdempotencyKey}, err
}

func (a *API) callTool(ctx context.Context, p *access.Principal, in *callInput) (*body[resultBody], error) {
	c, err := a.call(ctx, p, in)
	if err != nil {
		return nil, err
	}
	res, err := a.Runner.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	return answer(resultBody{Result: res.Text, Truncated: res.Truncated, Environment: res.Environment, Connection: res.Source,
		TookMS: res.Took.Milliseconds(), Replayed: res.Replayed}), nil
}

func (a *API) explainCall(ctx context.Context, p *access.Principal, in *callInput) (*body[explanationBody], error) {
	c, err := a.call(ctx, p, in)
	if err != nil {
		return nil, err
	}
	e, err := a.Runner.Explain(ctx, c)
	if err != nil {
		return nil, err
	}
	return answer(explanationBody{e.Tool, e.Environment, e.Source, e.App, e.Scheme, e.Method, e.Host, e.ReadOnly}), nil
}
