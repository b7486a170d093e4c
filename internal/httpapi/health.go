package httpapi

import (
	"encoding/json"
	"net/http"
)

// readiness is the answer of /readyz.
type readiness struct {
	Status string  `json:"status"`
	Checks []Check `json:"checks"`
}

// healthRoutes adds /livez and /readyz.
func (a *API) healthRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { WriteLive(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { WriteReady(w, a.Ready(r.Context())) })
}

// WriteLive answers /livez: the process answers.
func WriteLive(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// WriteReady answers /readyz: 200 when all that was checked works, and otherwise
// 503 with what does not.
func WriteReady(w http.ResponseWriter, checks []Check) {
	out := readiness{Status: "ok", Checks: checks}
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK {
			out.Status, status = "unavailable", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // the caller went away
}
