package httpapi

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wayleave/wayleave/internal/fault"
)

// docsURL is where a code of the failure vocabulary is explained.
const docsURL = "https://wayleave.dev/errors/"

// A problem is a fault as it is answered: problem+json (RFC 9457), with the code
// of the failure vocabulary and what to do.
type problem struct {
	Type       string          `json:"type" format:"uri" doc:"where the code is explained"`
	Title      string          `json:"title" doc:"what the code means"`
	Status     int             `json:"status" doc:"the HTTP status"`
	Code       string          `json:"code" doc:"the code of the failure vocabulary"`
	Detail     string          `json:"detail,omitempty" doc:"what happened"`
	Fix        string          `json:"fix,omitempty" doc:"what to do about it"`
	Link       string          `json:"link,omitempty" doc:"where a person can do it"`
	RetryAfter int             `json:"retry_after,omitempty" doc:"seconds to wait before trying again"`
	Problems   []fault.Problem `json:"problems,omitempty" doc:"every fault found in the input"`
	RequestID  string          `json:"request_id,omitempty" doc:"to find the request in the log"`

	cause error
}

// problemOf returns err as it is answered. Causes stay behind, for the log.
func problemOf(err error, requestID string) *problem {
	e := fault.From(err)
	m := e.Kind.Meaning()
	p := &problem{Type: docsURL + string(e.Kind), Title: m.Title, Status: m.Status, Code: string(e.Kind), Detail: e.Msg,
		Fix: e.Remedy(), Link: e.Link, Problems: e.Problems, RequestID: requestID, cause: err}
	if e.RetryAfter > 0 {
		p.RetryAfter = int(math.Ceil(e.RetryAfter.Seconds()))
	}
	return p
}

// Error, GetStatus, GetHeaders and ContentType make a problem an error that huma
// answers as it is.
func (p *problem) Error() string               { return p.Code + ": " + p.Detail }
func (p *problem) GetStatus() int              { return p.Status }
func (p *problem) ContentType(_ string) string { return "application/problem+json" }
func (p *problem) Unwrap() error               { return p.cause }

// GetHeaders returns the headers that say the same as the problem to clients
// that do not read it.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="wayleave"`)
	}
	return h
}

// newProblem makes the errors that huma finds itself: a body that is not JSON,
// a member that is unknown or of the wrong type. What was sent is not repeated,
// for it may hold a secret.
func newProblem(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	kind := fault.InvalidInput
	switch status {
	case http.StatusRequestEntityTooLarge:
		kind = fault.RequestTooLarge
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusInternalServerError:
		kind, msg = fault.Internal, "an internal error occurred"
	}
	e := fault.New(kind, "%s", msg)
	for _, err := range errs {
		var d *huma.ErrorDetail
		if detailer, ok := err.(huma.ErrorDetailer); ok {
			d = detailer.ErrorDetail()
		}
		if d == nil {
			continue // a decoder's own words may quote the input
		}
		e.Problems = append(e.Problems, fault.Problem{Path: d.Location, Message: d.Message})
	}
	id := ""
	if ctx != nil {
		id = requestID(ctx.Context())
	}
	p := problemOf(e, id)
	if status == http.StatusUnsupportedMediaType || status == http.StatusNotAcceptable || status == http.StatusRequestTimeout {
		p.Status = status
	}
	return p
}

// writeProblem answers a fault outside huma's routes.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err, requestID(r.Context()))
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func errNoRoute() error {
	return fault.New(fault.NotFound, "there is no such route").WithFix("See /openapi.json for the routes and their methods.")
}
