package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// An Error is a failure that an agent, a user and an operator can each act on.
type Error struct {
	Op         string        // what was being done, such as "connections.Open"; for the log
	Kind       Kind          // decides HTTP status, MCP result and whether to retry
	Msg        string        // for the caller; holds no secret and no upstream body
	Fix        string        // what the caller can do next; empty means the Kind's own
	Link       string        // where a person can do it, if anywhere
	RetryAfter time.Duration // how long to wait before trying again; 0 when not known
	Problems   []Problem     // every fault found in an input, for InvalidInput
	Err        error         // cause, for the log only
}

// A Problem is one fault in an input.
type Problem struct {
	Path    string `json:"path,omitempty"` // where, as a JSON pointer or file:line
	Message string `json:"message"`        // what is wrong and what would be right
}

// New returns an Error of kind k with a message for the caller.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error of kind k with a message for the caller and a cause
// for the log.
func Wrap(k Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...), Err: cause}
}

// WithFix sets what the caller can do next and returns e.
func (e *Error) WithFix(format string, args ...any) *Error {
	e.Fix = fmt.Sprintf(format, args...)
	return e
}

// Error tells the whole story, cause included, for the log. What a caller is
// told is Msg and Fix alone.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(string(e.Kind))
	if e.Msg != "" {
		b.WriteString(": " + e.Msg)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap lets errors.Is match the Kind as well as the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Remedy returns what the caller can do next.
func (e *Error) Remedy() string {
	if e.Fix != "" {
		return e.Fix
	}
	return e.Kind.Meaning().Fix
}

// From returns err as an Error. An error that is none becomes Internal, whose
// message tells the caller nothing about the cause; a bare Kind becomes an
// Error with the Kind's title. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var k Kind
	if errors.As(err, &k) {
		return &Error{Kind: k, Msg: k.Meaning().Title, Err: err}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Kind: AppUnavailable, Msg: "the request was cancelled or ran out of time", Err: err}
	}
	return &Error{Kind: Internal, Msg: "an internal error occurred", Err: err}
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return errors.Is(err, k) }
