package httpapi

import (
	"context"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
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
		Description: "Least role: " + string(least) + ".",
		Security:    []map[string][]string{{"key": {}}},
		Metadata:    map[string]any{"role": least},
		Middlewares: huma.Middlewares{r.authenticate(least)},
	}
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

type contextKey int

const (
	principalKey contextKey = iota
	requestIDKey
)

func principal(ctx context.Context) *access.Principal {
	p, _ := ctx.Value(principalKey).(*access.Principal)
	return p
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// outer is around every route: it gives the request an id, keeps browsers of
// other sites out, catches panics and logs.
func (a *API) outer(next http.Handler) http.Handler {
	guarded := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.Must(uuid.NewV7()).String()
		began := time.Now()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", id)
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		rec.Header().Set("Cache-Control", "no-store")
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey, id))
		defer func() {
			if v := recover(); v != nil {
				// The value may hold anything, a secret too; the stack holds only places.
				a.Log.Error().Str("request_id", id).Str("stack", string(debug.Stack())).Msg("panic while answering")
				if rec.status == 0 {
					writeProblem(rec, r, fault.New(fault.Internal, "an internal error occurred"))
				}
			}
			a.Log.Debug().Str("request_id", id).Str("method", r.Method).Str("route", r.Pattern).Int("status", rec.status).
				Dur("took", time.Since(began)).Msg("request")
		}()
		guarded.ServeHTTP(rec, r)
	})
}

// A recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

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

// A ListInput asks for a page of a list.
type ListInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
}

func (in ListInput) page() (page.Request, error) {
	after, err := page.ParseCursor(in.Cursor)
	return page.Request{Limit: in.Limit, After: after}, err
}

// A list is a page of a list.
type list[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor" doc:"to ask for the next page with; empty at the end"`
}

// A body is an answer with a JSON body.
type body[T any] struct{ Body T }

// A versioned body also carries its version as ETag.
type versioned[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func answer[T any](v T) *body[T] { return &body[T]{v} }

func tagged[T any](v T, version int64) *versioned[T] {
	return &versioned[T]{ETag: strconv.Quote(strconv.FormatInt(version, 10)), Body: v}
}

// listed turns a page of records into an answer.
func listed[R, T any](p page.Page[R], err error, as func(R) T) (*body[list[T]], error) {
	if err != nil {
		return nil, err
	}
	out := list[T]{Items: make([]T, 0, len(p.Items)), NextCursor: page.Cursor(p.Next)}
	for _, r := range p.Items {
		out.Items = append(out.Items, as(r))
	}
	return answer(out), nil
}

// An IfMatchInput is the version that an edit is made on.
type IfMatchInput struct {
	IfMatch string `header:"If-Match" maxLength:"40" doc:"the ETag that was read; the edit fails if it is no longer current"`
}

// version returns 0 when any version will do.
func (in IfMatchInput) version() (int64, error) {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return 0, nil
	}
	text, err := strconv.Unquote(strings.TrimPrefix(in.IfMatch, "W/"))
	if err != nil {
		text = in.IfMatch
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v <= 0 {
		return 0, fault.New(fault.InvalidInput, "If-Match is not an ETag of this server")
	}
	return v, nil
}
