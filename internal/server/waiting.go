package server

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/httpapi"
)

// A WaitingRoom answers while the store cannot be reached: the process lives, is
// not ready, and says why.
type WaitingRoom struct{ why atomic.Pointer[fault.Error] }

// Set says why, from now on.
func (w *WaitingRoom) Set(err error) { w.why.Store(fault.From(err)) }

// ServeHTTP answers /livez and /readyz as the doors would, and everything else
// with store_unavailable.
func (w *WaitingRoom) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	why := w.why.Load()
	if why == nil {
		why = fault.New(fault.StoreUnavailable, "the server is starting").WithFix("Try again in a moment.")
	}
	switch r.URL.Path {
	case "/livez":
		httpapi.WriteLive(rw)
	case "/readyz":
		httpapi.WriteReady(rw, []httpapi.Check{{Name: "store", Msg: why.Msg, Fix: why.Remedy()}})
	default:
		httpapi.WriteProblem(rw, r, &fault.Error{Kind: fault.StoreUnavailable, Msg: why.Msg, Fix: why.Remedy(), RetryAfter: time.Second})
	}
}
