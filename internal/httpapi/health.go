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

// healthRoutes adds /livez, which says that the process answers, and /readyz,
// which says whether what it needs works, and what does not.
func (a *API) healthRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		out := readiness{Status: "ok", Checks: a.Ready(r.Context())}
		status := http.StatusOK
		for _, c := range out.Checks {
			if !c.OK {
				out.Status, status = "unavailable", http.StatusServiceUnavailable
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
}
