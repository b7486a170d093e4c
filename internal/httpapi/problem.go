package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wayleave/wayleave/internal/fault"
)

// problemType is the media type of problems.
const problemType = "application/problem+json"

// A problem is a fault as it is answered: problem+json (RFC 9457), with the code
// of the failure vocabulary and what to do.
type problem struct {
	Type       string    `json:"type" format:"uri" doc:"where the code is explained"`
	Title      string    `json:"title" doc:"what the code means"`
	Status     int       `json:"status" doc:"the HTTP status"`
	Code       string    `json:"code" doc:"the code of the failure vocabulary"`
	Detail     string    `json:"detail,omitempty" doc:"what happened"`
	Fix        string    `json:"fix,omitempty" doc:"what to do about it"`
	Link       string    `json:"link,omitempty" doc:"where a person can do it"`
	RetryAfter int       `json:"retry_after,omitempty" doc:"seconds to wait before trying again"`
	Problems   []mistake `json:"problems,omitempty" doc:"every fault found in the input"`
	RequestID  string    `json:"request_id,omitempty" doc:"to find the request in the log"`

	cause error
}

// A mistake is one fault in the input.
type mistake struct {
	Path    string `json:"path,omitempty" doc:"where: a JSON pointer into the body, or as query.limit"`
	Message string `json:"message" doc:"what is wrong, and what would be right"`
}

// problemOf returns err as it is answered. Causes stay behind, for the log.
func problemOf(err error, requestID string) *problem {
	e := fault.From(err)
	m := e.Kind.Meaning()
	p := &problem{Type: e.Kind.Page(), Title: m.Title, Status: m.Status, Code: string(e.Kind), Detail: e.Msg,
		Fix: e.Remedy(), Link: e.Link, RequestID: requestID, cause: err}
	for _, one := range e.Problems {
		p.Problems = append(p.Problems, mistake(one))
	}
	if e.RetryAfter > 0 {
		p.RetryAfter = int(math.Ceil(e.RetryAfter.Seconds()))
	}
	return p
}

// Error, GetStatus, GetHeaders and ContentType make a problem an error that huma
// answers as it is.
func (p *problem) Error() string               { return p.Code + ": " + p.Detail }
func (p *problem) GetStatus() int              { return p.Status }
func (p *problem) ContentType(_ string) string { return problemType }
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
	if len(errs) > 0 && kind == fault.InvalidInput {
		msg = "the request does not fit what this route takes"
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
		e.Problems = append(e.Problems, fault.Problem{Path: place(d.Location), Message: d.Message})
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

// WriteProblem answers a fault outside huma's routes.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	problemOf(err, requestID(r.Context())).write(w)
}

func (p *problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = writeJSON(w, p)
}

// place turns where huma found something, such as "body.grant.tools[0]", into a
// JSON pointer into the body, or "query.limit". Names that cannot be ours are
// not repeated.
func place(location string) string {
	location = strings.NewReplacer("[", ".", "]", "").Replace(location)
	steps := strings.Split(location, ".")
	for i, step := range steps {
		if _, err := strconv.Atoi(step); err != nil || len(step) > 9 {
			steps[i] = shown(step)
		}
	}
	if steps[0] == "body" {
		return strings.Join(append([]string{""}, steps[1:]...), "/")
	}
	return strings.Join(steps, ".")
}

func errNoRoute() error {
	return fault.New(fault.NotFound, "there is no such route").WithFix("See /openapi.json for the routes and their methods.")
}
