package httpapi

import (
	"context"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

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
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, fault.New(fault.PermissionDenied, "a page of another site may not send this request").
			WithFix("Call from a program, with a key of its own."))
	}))
	guarded := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.Must(uuid.NewV7()).String()
		began := time.Now()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", id)
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		rec.Header().Set("Cache-Control", "no-store")
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey, id))
		defer func() {
			if v := recover(); v != nil && r.Context().Err() == nil { // nobody is left to answer
				// The value may hold anything, a secret too; the stack holds only places.
				a.Log.Error().Str("request_id", id).Str("stack", string(debug.Stack())).Msg("panic while answering")
				if rec.status == 0 {
					WriteProblem(rec, r, fault.New(fault.Internal, "an internal error occurred"))
				}
			}
			a.Log.Debug().Str("request_id", id).Str("method", r.Method).Str("route", r.Pattern).Int("status", rec.status).
				Dur("took", time.Since(began)).Msg("request")
		}()
		if !clean(r.URL.Path) {
			WriteProblem(rec, r, errNoRoute())
			return
		}
		guarded.ServeHTTP(rec, r)
	})
}

// clean reports whether a path has no empty, "." or ".." element, encoded ones
// included. A ServeMux redirects others; no client of ours means them.
func clean(p string) bool {
	return strings.HasPrefix(p, "/") && (p == "/" || path.Clean(p) == strings.TrimSuffix(p, "/"))
}

// fallback answers what no route does: with a method that the path does not
// have, or a path that there is not.
func fallback(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allowed := methodsOf(mux, r)
		if len(allowed) == 0 {
			WriteProblem(w, r, errNoRoute())
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		p := problemOf(fault.New(fault.NotFound, "this path does not have the method %s", shown(r.Method)).
			WithFix("Use one of: %s.", strings.Join(allowed, ", ")), requestID(r.Context()))
		p.Status, p.Title = http.StatusMethodNotAllowed, "Method not allowed"
		p.write(w)
	}
}

// methodsOf returns the methods that the request's path has.
func methodsOf(mux *http.ServeMux, r *http.Request) (allowed []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		asked := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(asked); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	return allowed
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
