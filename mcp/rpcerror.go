package mcp

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
)

// Codes of JSON-RPC 2.0 and of MCP 2026-07-28.
const (
	codeParse              = -32700
	codeInvalidRequest     = -32600
	codeMethodNotFound     = -32601
	codeInvalidParams      = -32602
	codeInternal           = -32603
	codeHeaderMismatch     = -32020
	codeUnsupportedVersion = -32022
)

// An rpcError is the error that a message is answered with.
type rpcError struct {
	id      json.RawMessage // nil: not known, told as null
	code    int
	message string
	data    any // marshalled; nil: none
	status  int // HTTP status, whatever the era; 0: as the code says
}

// refuse returns an rpcError for a message that the gate does not let pass,
// which is HTTP 400 in both eras.
func refuse(code int, format string, args ...any) *rpcError {
	return &rpcError{code: code, message: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

// httpStatus returns the status to answer with. The handshake era tells every
// error of a request that was understood with 200; 2026-07-28 assigns statuses.
func (e *rpcError) httpStatus(modern bool) int {
	if e.status != 0 {
		return e.status
	}
	if !modern {
		return http.StatusOK
	}
	switch e.code {
	case codeMethodNotFound:
		return http.StatusNotFound
	case codeParse, codeInvalidRequest, codeInvalidParams, codeHeaderMismatch, codeUnsupportedVersion:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// faultData is the data of an rpcError made of a fault.
type faultData struct {
	Code       fault.Kind      `json:"code"`
	Fix        string          `json:"fix,omitempty"`
	Link       string          `json:"link,omitempty"`
	RetryAfter int64           `json:"retry_after,omitempty"` // seconds
	Problems   []fault.Problem `json:"problems,omitempty"`
	RequestID  string          `json:"request_id,omitempty"`
}

// ofFault returns the rpcError that tells e: what the caller can change is
// -32602, all else -32603.
func ofFault(e *fault.Error, requestID string) *rpcError {
	code := codeInternal
	switch e.Kind {
	case fault.InvalidInput, fault.NotFound, fault.EnvironmentDenied, fault.EnvironmentNotBound,
		fault.ToolDenied, fault.PermissionDenied, fault.AmbiguousConnection:
		code = codeInvalidParams
	}
	message := e.Msg
	if fix := e.Remedy(); fix != "" { // many clients show the message alone
		message += ". " + fix
	}
	return &rpcError{code: code, message: message, data: faultData{
		Code:       e.Kind,
		Fix:        e.Remedy(),
		Link:       e.Link,
		RetryAfter: seconds(e.RetryAfter),
		Problems:   e.Problems,
		RequestID:  requestID,
	}}
}

// seconds rounds d up to whole seconds, so that who waits as told is not early.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
