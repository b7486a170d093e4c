package main

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/wayleave/wayleave/internal/fault"
)

// waitingRoom answers while the store cannot be reached: the process lives, is
// not ready, and says why.
type waitingRoom struct{ why atomic.Pointer[fault.Error] }

func (w *waitingRoom) set(err error) { w.why.Store(fault.From(err)) }

// ServeHTTP answers /livez and /readyz as the doors would, and everything else
// with store_unavailable.
func (w *waitingRoom) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	why := w.why.Load()
	if why == nil {
		why = fault.New(fault.StoreUnavailable, "the server is starting").WithFix("Try again in a moment.")
	}
	if r.URL.Path == "/livez" {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write([]byte("ok\n"))
		return
	}
	kind, body := "application/problem+json", any(map[string]any{
		"type": "https://wayleave.dev/errors/" + string(fault.StoreUnavailable), "title": fault.StoreUnavailable.Meaning().Title,
		"status": http.StatusServiceUnavailable, "code": fault.StoreUnavailable, "detail": why.Msg, "fix": why.Remedy(), "retry_after": 1,
	})
	if r.URL.Path == "/readyz" {
		kind, body = "application/json", map[string]any{"status": "unavailable", "checks": []map[string]any{
			{"name": "store", "ok": false, "message": why.Msg, "fix": why.Remedy()}}}
	}
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("Retry-After", "1")
	rw.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(rw).Encode(body) // the caller went away
}
