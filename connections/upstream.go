package connections

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// An Upstream is a connection opened for use. It is cheap, is made per call and
// holds no secret: the credential is opened for the moment that a request goes
// out.
type Upstream struct {
	registry *Registry
	opened   *opened
	test     *apps.Test // set for a check rather than a call: answers must pass it
	untold   bool       // requests are not observed: the connection does not exist yet
}

// App returns the definition that the connection is to.
func (u *Upstream) App() *apps.App { return u.opened.app }

// Site returns where the connection's requests go.
func (u *Upstream) Site() *apps.Site { return u.opened.site }

// Connection returns the record that was opened.
func (u *Upstream) Connection() Connection { return u.opened.connection }

// Scheme returns the id of the auth scheme that the connection uses.
func (u *Upstream) Scheme() string { return u.opened.grant.Auth.ID }

// An Effect says whether a request may be sent again.
type Effect bool

// A Write is sent at most once; a Read may be repeated.
const (
	Write Effect = false
	Read  Effect = true
)

// Do sends a request of the connection's app with its credential and returns
// the app's answer, capped and scrubbed of the connection's own secrets.
//
// An answer that the app's definition calls a failure comes back as that fault;
// a Read is retried within the deadline of ctx where the failure allows it. A
// Write whose answer was lost is fault.OutcomeUnknown. Each send is observed.
func (u *Upstream) Do(ctx context.Context, req *http.Request, effect Effect) (*apps.Answer, error) {
	r := u.registry
	timeout := r.CallTimeout
	if own := u.opened.site.Timeout; own > 0 {
		timeout = min(timeout, own)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	release, err := r.slots.acquire(ctx, u.opened.connection.ID, u.bound())
	if err != nil {
		return nil, err
	}
	defer release()

	attempts := max(u.opened.app.Limits.MaxAttempts, 1)
	if effect == Write {
		attempts = 1
	}
	for sent := 1; ; sent++ {
		ans, passing, err := u.send(ctx, req, effect)
		if err == nil || !passing || sent >= attempts || !u.wait(ctx, err, sent) {
			return ans, err
		}
	}
}

// bound returns what the app asks of its callers.
func (u *Upstream) bound() bound {
	limits := u.opened.app.Limits
	b := bound{underWay: limits.Concurrency, requests: limits.Requests, per: limits.Per}
	if b.underWay <= 0 {
		b.underWay = defaultPerConnection
	}
	return b
}

// send sends the request once and says what came of it; passing tells that a
// failure may be gone when the request is sent again.
func (u *Upstream) send(ctx context.Context, req *http.Request, effect Effect) (_ *apps.Answer, passing bool, _ error) {
	r, o := u.registry, u.opened
	authorizer, err := r.Broker.Authorizer(ctx, o.grant)
	if err != nil {
		return nil, false, err // ours, not the app's: nothing to observe
	}
	if req, err = fresh(ctx, req); err != nil {
		return nil, false, err
	}
	began := r.Now()
	resp, err := r.Guard.Do(req, u.options(effect), func(hop *http.Request) error {
		return authorizer.Apply(hop, o.site.Base)
	})
	if err != nil {
		err = u.lost(ctx, err, effect)
		u.observe(ctx, began, err)
		return nil, fault.Is(err, fault.AppUnavailable), err
	}
	ans := u.answer(authorizer, resp)
	if err = failure(o.app, ans, effect); err == nil && u.test != nil && !u.test.Succeeded(ans) {
		err = fault.New(fault.TestFailed, "%s answered with status %d, but not as it does for a working credential", o.app.Title, ans.Status)
	}
	u.observe(ctx, began, err)
	if err != nil {
		return nil, o.app.Limits.Retries(ans.Status) || fault.Is(err, fault.RateLimited), err
	}
	return ans, false, nil
}

// fresh returns the request as it is sent now, with a body that was not read.
func fresh(ctx context.Context, req *http.Request) (*http.Request, error) {
	out := req.WithContext(ctx) // the guard works on a copy of its own
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the request's body cannot be read again")
		}
		out.Body = body
	}
	return out, nil
}

func (u *Upstream) options(effect Effect) egress.Options {
	site := u.opened.site
	limit := u.registry.MaxBytes
	if site.MaxBytes > 0 {
		limit = min(limit, site.MaxBytes)
	}
	return egress.Options{Pool: u.opened.connection.Tenant, Hosts: site, PlainHTTP: site.PlainHTTP, Private: site.AskPrivate, Redirects: site.Redirects, MaxBytes: limit,
		Once: effect == Write}
}

// answer returns what the app answered without the connection's secrets, which
// some apps and every echo send back.
func (u *Upstream) answer(a *credentials.Authorizer, resp *egress.Response) *apps.Answer {
	a.ScrubHeader(resp.Header)
	return apps.NewAnswer(resp.Status, resp.Header, a.Scrub(resp.Body), resp.Host)
}

// lost says what it means that no answer came.
func (u *Upstream) lost(ctx context.Context, err error, effect Effect) error {
	var e *egress.Error
	if effect == Write && errors.As(err, &e) && e.Sent {
		return fault.Wrap(fault.OutcomeUnknown, err, "the request was sent to %s, but its answer was lost", u.opened.app.Title)
	}
	return err
}

// failure returns the fault that an answer means, if any.
func failure(app *apps.App, ans *apps.Answer, effect Effect) error {
	f := app.Failure(ans)
	if f == nil {
		return nil
	}
	// The app, or a gateway in front of it, broke down over the request: whether
	// it did what was asked, nobody knows. With 501 and 503 it says that it did not.
	if effect == Write && f.Kind == fault.AppUnavailable && ans.Status >= 500 &&
		ans.Status != http.StatusNotImplemented && ans.Status != http.StatusServiceUnavailable {
		return fault.New(fault.OutcomeUnknown, "%s answered with status %d, which leaves open whether it was done", app.Title, ans.Status)
	}
	e := fault.New(f.Kind, "%s answered with status %d", app.Title, ans.Status)
	if f.Message != "" {
		e.Msg += ": " + f.Message
	}
	e.RetryAfter = f.RetryAfter
	return e
}

// observe notes what a send showed of the connection. What the caller did, by
// going away, and what another side's failure kept from the app say nothing
// about it.
func (u *Upstream) observe(ctx context.Context, began time.Time, err error) {
	if u.untold || errors.Is(context.Cause(ctx), context.Canceled) {
		return
	}
	o := Observation{
		Tenant: u.opened.connection.Tenant, Connection: u.opened.connection.ID,
		At: began, Check: u.test != nil, Latency: u.registry.Now().Sub(began),
	}
	if err != nil {
		o.Failure = fault.From(err).Kind
	}
	u.registry.Recorder.Note(o)
}

// First wait before a retry, and the longest when the app does not say.
const (
	firstWait   = 200 * time.Millisecond
	longestWait = 5 * time.Second
)

// wait waits before a Read is sent again, and reports whether it waited: it does
// not begin a wait that would not end in time.
func (u *Upstream) wait(ctx context.Context, err error, sent int) bool {
	pause := fault.From(err).RetryAfter
	if pause <= 0 {
		pause = min(firstWait<<(sent-1), longestWait)
		pause = pause/2 + rand.N(pause/2+1)
	}
	if limit := u.opened.app.Limits.MaxWait; limit > 0 && pause > limit {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
