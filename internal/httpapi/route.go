package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

// A router adds routes to the API, each behind its least role.
type router struct {
	api  huma.API
	auth Authenticator
	log  zerolog.Logger
}

// maxBody bounds the body of a request; the arguments of a call are the largest.
const maxBody = 4 << 20

// A handler answers a request of a principal.
type handler[I, O any] func(ctx context.Context, p *access.Principal, in *I) (*O, error)

// route adds a route: "METHOD /path", who may call it, what it does in a few
// words, and the function that answers. status is that of success.
func route[I, O any](r *router, pattern string, least access.Role, status int, summary string, fn handler[I, O]) {
	method, path, _ := strings.Cut(pattern, " ")
	op := huma.Operation{
		Method: method, Path: path, Summary: summary, DefaultStatus: status, MaxBodyBytes: maxBody,
		OperationID: operationID(method, path),
		Tags:        []string{tag(path)},
		Description: "Least role: " + string(least) + "." + also[pattern],
		Security:    []map[string][]string{{"key": {}}},
		Metadata:    map[string]any{"role": least},
		Middlewares: huma.Middlewares{r.authenticate(least), once},
	}
	r.document(&op, status)
	huma.Register(r.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, principal(ctx), in)
		if err != nil {
			r.note(ctx, err)
			return nil, problemOf(err, requestID(ctx))
		}
		return out, nil
	})
}

// note logs what the caller is not told: the cause of a failure that is ours.
func (r *router) note(ctx context.Context, err error) {
	if fault.From(err).Kind.Meaning().Status >= http.StatusInternalServerError {
		r.log.Warn().Str("request_id", requestID(ctx)).Err(err).Msg("request failed")
	}
}

// authenticate admits keys whose role includes least.
func (r *router) authenticate(least access.Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		p, err := r.auth.Authenticate(ctx.Context(), bearer(ctx.Header("Authorization")))
		if err == nil && !p.Role.Includes(least) {
			err = fault.New(fault.PermissionDenied, "this key has the role %s, and this needs %s", p.Role, least)
		}
		if err != nil {
			refuse(ctx, err)
			return
		}
		next(huma.WithValue(ctx, principalKey, p))
	}
}

// once refuses a query that gives a parameter twice: which one counts would be
// for us to guess.
func once(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		refuse(ctx, fault.New(fault.InvalidInput, "the query is not well formed"))
		return
	}
	for name, values := range query {
		if len(values) > 1 {
			refuse(ctx, fault.New(fault.InvalidInput, "the query parameter %s is there twice", shown(name)))
			return
		}
	}
	next(ctx)
}

// refuse answers a fault from a middleware.
func refuse(ctx huma.Context, err error) {
	p := problemOf(err, requestID(ctx.Context()))
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	_ = huma.DefaultJSONFormat.Marshal(ctx.BodyWriter(), p)
}

// bearer returns the key of an Authorization header, or "".
func bearer(header string) string {
	scheme, key, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// operationID names an operation after its route: "get-connections-by-id".
func operationID(method, path string) string {
	name := strings.ToLower(method)
	for _, part := range strings.Split(strings.TrimPrefix(path, "/v1/"), "/") {
		if strings.HasPrefix(part, "{") {
			part = "by-" + strings.Trim(part, "{}")
		}
		name += "-" + strings.ReplaceAll(part, "_", "-")
	}
	return name
}

func tag(path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return noun
}
