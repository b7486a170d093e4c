package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/wayleave/wayleave/internal/fault"
)

// An Error says that a request got no answer that can be used. It unwraps to a
// *fault.Error and through it to the Kind: fault.UpstreamFailed when the policy
// refused or the answer cannot be used, fault.AppUnavailable when the app could
// not be reached or did not answer, fault.InvalidInput when the request itself
// cannot be sent.
//
// It holds the method, scheme and host, and a reason in words of this package;
// never a path, a query, a header value or anything that an app sent.
type Error struct {
	// Sent says that some of the request may have reached the app, so that what
	// became of a write is not known.
	Sent bool
	// Status is the answer's status when the answer was lost or unusable only
	// after it, else 0.
	Status int

	Refused  bool // by the policy or for what the request is; the refused hop was not sent
	Timeout  bool // the deadline, or one of this package's own, passed
	Canceled bool // the caller gave up
	TooLarge bool // the answer's headers or body were over the limit

	fault *fault.Error
}

// Error tells what happened, for the log.
func (e *Error) Error() string { return e.fault.Error() }

// Unwrap returns the failure in words for the caller.
func (e *Error) Unwrap() error { return e.fault }

// A hop is where on its journey a request is, for its errors to say so.
type hop struct {
	journey *journey // nil when nothing is sent
	method  string
	place   string
	status  int
}

// error fills in what all errors of a hop share.
func (h *hop) error(kind fault.Kind, cause error, reason string) *Error {
	e := &Error{Status: h.status, Sent: h.journey != nil && h.journey.sent.Load()}
	e.fault = fault.Wrap(kind, cause, "%s: %s", strings.TrimSpace(h.method+" "+h.place), reason)
	e.fault.Op = "egress"
	return e
}

// refused reports a decision of the policy.
func (h *hop) refused(err error) *Error {
	var r *refusal
	if !errors.As(err, &r) {
		return h.error(fault.Internal, nil, "it could not be checked")
	}
	kind := r.kind
	if kind == "" {
		kind = fault.UpstreamFailed
	}
	e := h.error(kind, nil, r.why)
	e.Refused = true
	e.fault.Fix = r.fix
	return e
}

// failed reports what went wrong on the way. The error of net or net/http is
// only looked at: its text may quote the request or the answer.
func (h *hop) failed(ctx context.Context, err error) *Error {
	var r *refusal
	if errors.As(err, &r) {
		return h.refused(r)
	}
	if ended := ctx.Err(); ended != nil {
		return h.ended(ended)
	}
	switch {
	case errors.Is(err, errTooLarge):
		e := h.error(fault.UpstreamFailed, nil, errTooLarge.Error())
		e.TooLarge = true
		return e
	case strings.Contains(err.Error(), "headers exceeded"), strings.Contains(err.Error(), "header list larger"):
		e := h.error(fault.UpstreamFailed, nil, fmt.Sprintf("the headers of the answer are over %d KiB", maxHeaderBytes>>10))
		e.TooLarge = true
		return e
	case errors.Is(err, errEncoding), errors.Is(err, errDamaged), errors.Is(err, errSwitched):
		return h.error(fault.UpstreamFailed, nil, err.Error())
	case errors.Is(err, errBrokenOff):
		return h.error(fault.AppUnavailable, nil, err.Error())
	}
	if reason := h.certificate(err); reason != "" {
		return h.error(fault.AppUnavailable, nil, reason)
	}
	return h.network(err)
}

// ended reports that the context ended.
func (h *hop) ended(cause error) *Error {
	if errors.Is(cause, context.Canceled) {
		e := h.error(fault.AppUnavailable, cause, "the request was cancelled")
		e.Canceled = true
		return e
	}
	reason := "it could not be reached in time"
	switch {
	case h.status != 0:
		reason = "it did not finish its answer in time"
	case h.journey != nil && h.journey.sent.Load():
		reason = "it did not answer in time"
	}
	e := h.error(fault.AppUnavailable, cause, reason)
	e.Timeout = true
	return e
}

// network reports a failure to look up, to connect or to stay connected.
func (h *hop) network(err error) *Error {
	reason, cause := "the connection failed", error(nil)
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	var errno syscall.Errno
	if errors.As(err, &errno) {
		cause = errno // a number of the system's, safe to tell
	}
	isTimeout := errors.As(err, &timeout) && timeout.Timeout()
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		reason = "its name does not resolve"
	case errors.As(err, &dns):
		reason = "its name could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		reason = "it refused the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		reason = "there is no way to its address"
	case isTimeout && errors.As(err, &op) && op.Op == "dial":
		reason = "it did not accept a connection in time"
	case isTimeout:
		reason = "it did not answer in time"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		reason = "it broke the connection off"
	case h.status != 0:
		reason = errBrokenOff.Error()
	case isNotHTTP(err):
		return h.error(fault.UpstreamFailed, nil, "its answer breaks the rules of HTTP")
	case errors.Is(err, http.ErrSchemeMismatch):
		reason = "it does not speak TLS on this port"
	case h.journey != nil && h.journey.sent.Load():
		reason = "it closed the connection without an answer"
	}
	e := h.error(fault.AppUnavailable, cause, reason)
	e.Timeout = isTimeout
	return e
}

// isNotHTTP reports whether net/http gave up on an answer because of what it
// says, rather than because it ended. It has one text for both and no type, and
// calls it a connection error in HTTP/2.
func isNotHTTP(err error) bool {
	return strings.HasPrefix(err.Error(), "connection error: ") || strings.Contains(err.Error(), "transport connection broken") &&
		!errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}
