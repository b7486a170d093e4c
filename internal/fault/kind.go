package fault

import (
	"net/http"
	"slices"
)

// A Kind is one code of the failure vocabulary. It is an error, so that
// errors.Is matches it through any wrapping.
type Kind string

// Error returns the code.
func (k Kind) Error() string { return string(k) }

// The failures of a call, each with a page in docs/errors.
const (
	AuthorizationRejected Kind = "authorization_rejected" // the app refused the credential
	ConnectionExpired     Kind = "connection_expired"     // the grant has ended; someone must authorise again
	ConnectionRevoked     Kind = "connection_revoked"     // an administrator took the connection back
	TestFailed            Kind = "test_failed"            // the test request of an attempt or check did not succeed
	AppUnavailable        Kind = "app_unavailable"        // the app did not answer, or answered that it cannot
	ScopeMissing          Kind = "scope_missing"          // the grant does not cover the operation
	RateLimited           Kind = "rate_limited"           // the app, or Wayleave, asks to slow down
	NotFound              Kind = "not_found"              // no such thing, or not yours to see
	Conflict              Kind = "conflict"               // it contradicts what is there already
	InvalidInput          Kind = "invalid_input"          // what was sent does not fit
	EnvironmentNotBound   Kind = "environment_not_bound"  // the toolkit has no connection in this environment
	EnvironmentDenied     Kind = "environment_denied"     // the caller is not granted this environment
	ToolDenied            Kind = "tool_denied"            // the caller is not granted this tool
	AmbiguousConnection   Kind = "ambiguous_connection"   // several connections are bound; name one
	InUse                 Kind = "in_use"                 // something still uses it
	OutcomeUnknown        Kind = "outcome_unknown"        // a write was sent and its answer was lost
	SealerUnavailable     Kind = "sealer_unavailable"     // credentials cannot be sealed or opened now
	CredentialUnreadable  Kind = "credential_unreadable"  // a stored credential does not open with the keys at hand
	StoreUnavailable      Kind = "store_unavailable"      // records cannot be read or written now
	UpstreamFailed        Kind = "upstream_failed"        // the app answered with a failure of its own
)

// The failures that the doors add.
const (
	Unauthenticated    Kind = "unauthenticated"     // no key, or a key that is not valid
	PermissionDenied   Kind = "permission_denied"   // the key is valid, its role is not enough
	PreconditionFailed Kind = "precondition_failed" // If-Match names an older version
	RequestTooLarge    Kind = "request_too_large"   // the request is over its size limit
	Internal           Kind = "internal"            // a defect of Wayleave; the log tells more
)

// A Meaning is what a Kind amounts to at the doors.
type Meaning struct {
	Status int    // HTTP status of a REST answer
	Retry  bool   // whether the same request may succeed later, unchanged
	Title  string // what happened, for a person
	Fix    string // what to do, when the Error does not know better
}

var meanings = map[Kind]Meaning{
	AuthorizationRejected: {http.StatusBadGateway, false, "The app refused the credential", "Ask an administrator to re-authorise the connection."},
	ConnectionExpired:     {http.StatusConflict, false, "The connection has expired", "Ask an administrator to re-authorise the connection."},
	ConnectionRevoked:     {http.StatusConflict, false, "The connection was revoked", "Ask an administrator to connect the app again."},
	TestFailed:            {http.StatusUnprocessableEntity, false, "The connection test failed", "Correct the credential or the parameters and test again."},
	AppUnavailable:        {http.StatusServiceUnavailable, true, "The app is unavailable", "Try again later."},
	ScopeMissing:          {http.StatusForbidden, false, "The connection lacks a permission", "Ask an administrator to re-authorise with the missing scope."},
	RateLimited:           {http.StatusTooManyRequests, true, "Too many requests", "Wait, then try again."},
	NotFound:              {http.StatusNotFound, false, "Not found", "Check the name or id."},
	Conflict:              {http.StatusConflict, false, "Conflict", "Read the current state and decide again."},
	InvalidInput:          {http.StatusBadRequest, false, "Invalid input", "Correct the request and send it again."},
	EnvironmentNotBound:   {http.StatusConflict, false, "No connection in this environment", "Ask an administrator to bind a connection for this environment to the toolkit."},
	EnvironmentDenied:     {http.StatusForbidden, false, "Environment not granted", "Use an environment that the key grants."},
	ToolDenied:            {http.StatusForbidden, false, "Tool not granted", "Use a key that grants this tool."},
	AmbiguousConnection:   {http.StatusConflict, false, "Several connections fit", "Name one of the connections."},
	InUse:                 {http.StatusConflict, false, "Still in use", "Remove what uses it first."},
	OutcomeUnknown:        {http.StatusBadGateway, false, "The outcome is not known", "Check in the app whether the change was made before trying again."},
	SealerUnavailable:     {http.StatusServiceUnavailable, true, "Credentials cannot be opened now", "Try again later; an operator can run `wayleave doctor`."},
	CredentialUnreadable:  {http.StatusConflict, false, "The stored credential cannot be opened", "Ask an administrator to enter the credential again, or an operator to bring its key back."},
	StoreUnavailable:      {http.StatusServiceUnavailable, true, "Records are unavailable", "Try again later; an operator can run `wayleave doctor`."},
	UpstreamFailed:        {http.StatusBadGateway, false, "The app answered with a failure", "Read the message, change the request if it says how."},

	Unauthenticated:    {http.StatusUnauthorized, false, "Not authenticated", "Send a valid key as `Authorization: Bearer …`."},
	PermissionDenied:   {http.StatusForbidden, false, "Not permitted", "Use a key with the needed role."},
	PreconditionFailed: {http.StatusPreconditionFailed, false, "It changed in the meantime", "Read it again and repeat the edit with the new ETag."},
	RequestTooLarge:    {http.StatusRequestEntityTooLarge, false, "The request is too large", "Send less at once."},
	Internal:           {http.StatusInternalServerError, false, "Internal error", "Report it with the request id."},
}

// Meaning returns what k amounts to. An unknown Kind means Internal.
func (k Kind) Meaning() Meaning {
	if m, ok := meanings[k]; ok {
		return m
	}
	return meanings[Internal]
}

// Page returns the address of the page that explains k, which is also what tells
// problems apart (RFC 9457, type).
func (k Kind) Page() string {
	return "https://github.com/wayleave/wayleave/blob/main/docs/errors/" + string(k) + ".md"
}

// Kinds returns the whole vocabulary, sorted.
func Kinds() []Kind {
	all := make([]Kind, 0, len(meanings))
	for k := range meanings {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
