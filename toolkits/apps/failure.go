package apps

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/fault"
)

// maxMessage is how many characters of an app's own words a failure repeats.
const maxMessage = 300

// An errorRule says what answers of one sort mean.
type errorRule struct {
	when       condition
	class      string
	message    *phrase // nil: our own words
	retryAfter *Path   // seconds, in the body
}

var kinds = map[string]fault.Kind{
	"auth_expired":  fault.ConnectionExpired,
	"auth_revoked":  fault.AuthorizationRejected,
	"scope_missing": fault.ScopeMissing,
	"rate_limited":  fault.RateLimited,
	"not_found":     fault.NotFound,
	"conflict":      fault.Conflict,
	"invalid_input": fault.InvalidInput,
	"plan_limit":    fault.UpstreamFailed,
	"upstream_down": fault.AppUnavailable,
	"failed":        fault.UpstreamFailed,
}

var classWords = map[string]string{
	"auth_expired":  "says that the credential has expired",
	"auth_revoked":  "refused the credential",
	"scope_missing": "says that the credential does not permit this",
	"rate_limited":  "asks to slow down",
	"not_found":     "has no such thing, or does not show it to this credential",
	"conflict":      "says that this contradicts what is there",
	"invalid_input": "did not accept the request",
	"plan_limit":    "says that the plan of the account does not include this",
	"upstream_down": "is not available",
	"failed":        "answered with a failure",
}

// Failure says what ans means when it is no success, nil when it is one. The
// definition's rules are asked in their order, also about a 2xx; without one
// that holds the status decides. A message is what the definition chose of the
// answer, cleaned, and otherwise our own words: a body is never repeated whole.
func (a *App) Failure(ans *Answer) *Failure {
	for i := range a.failures {
		r := &a.failures[i]
		if !r.when.holds(ans) {
			continue
		}
		f := a.failure(r.class, ans)
		if said := r.message.of(ans, maxMessage); said != "" {
			f.Message = said
		}
		if r.retryAfter != nil {
			if v, ok := ans.find(r.retryAfter); ok {
				f.RetryAfter = firstWait(seconds(plain(v)), f.RetryAfter)
			}
		}
		return f
	}
	class := classOf(ans.Status)
	if class == "" {
		return nil
	}
	f := a.failure(class, ans)
	if ans.Status >= 300 && ans.Status < 400 {
		f.Message = redirectMessage(a.Title, ans)
	}
	return f
}

func (a *App) failure(class string, ans *Answer) *Failure {
	f := &Failure{Kind: kinds[class], Class: class}
	f.Message = oneLine(fmt.Sprintf("%s %s (status %d)", a.Title, classWords[class], ans.Status), maxMessage)
	if f.Kind.Meaning().Retry {
		f.RetryAfter = a.Limits.wait(ans)
	}
	return f
}

// classOf is what a status means where no rule says otherwise; "" is success.
func classOf(status int) string {
	switch {
	case status >= 200 && status < 300:
		return ""
	case status == http.StatusUnauthorized:
		return "auth_revoked"
	case status == http.StatusForbidden:
		return "scope_missing"
	case status == http.StatusNotFound, status == http.StatusGone:
		return "not_found"
	case status == http.StatusConflict:
		return "conflict"
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return "invalid_input"
	case status == http.StatusTooManyRequests:
		return "rate_limited"
	case status >= 500:
		return "upstream_down"
	}
	return "failed"
}

// redirectMessage names the host alone: a path or query may hold a token.
func redirectMessage(title string, ans *Answer) string {
	host := "no address"
	if u, err := url.Parse(ans.Header.Get("Location")); err == nil && ans.Header.Get("Location") != "" {
		if host = u.Host; host == "" {
			host = ans.Host
		}
	}
	return oneLine(fmt.Sprintf("%s answered with a redirect (status %d) to %s, which was not followed", title, ans.Status, cut(host)), maxMessage)
}

// Succeeded reports whether ans shows that the connection works: by the
// definition's rule on status and body, or any 2xx where it has none. Ask only
// about an answer that [App.Failure] calls none.
func (t *Test) Succeeded(ans *Answer) bool {
	if t.success == nil || len(t.success.status) == 0 {
		if ans.Status < 200 || ans.Status > 299 {
			return false
		}
	}
	return t.success.holds(ans)
}

// maxIdentity is how many characters an id or label of an account has at most.
const maxIdentity = 120

// Identity returns whom ans says we are; empty parts are not known.
func (t *Test) Identity(ans *Answer) Identity {
	return Identity{ID: t.id.of(ans, maxIdentity), Label: t.label.of(ans, maxIdentity)}
}
