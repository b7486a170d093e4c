package notes

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Config says what a Server is.
type Config struct {
	Workspace   string            // its name, such as "acme"
	Environment string            // such as "dev"
	Keys        map[string]string // key id → key; a request carries the key in X-Notes-Key
	Rate        int               // requests per key and second; 0 means no limit
	Now         func() time.Time  // defaults to time.Now
	// Sleep waits for d or until the request ends; it defaults to a timer.
	Sleep func(r *http.Request, d time.Duration)
}

// A Server is one workspace behind its HTTP API.
type Server struct {
	config Config
	book   notebook
	limit  limiter
	flaky  atomic.Int64
	mux    *http.ServeMux
}

// New returns a Server with a few notes that tell its environment.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	s := &Server{config: c, limit: limiter{rate: c.Rate, now: c.Now}, mux: http.NewServeMux()}
	s.book.seed(c.Environment, c.Now().UTC())
	for _, route := range []struct {
		pattern string
		handle  func(w http.ResponseWriter, r *http.Request)
	}{
		{"GET /api/me", s.me},
		{"GET /api/notes", s.list},
		{"POST /api/notes", s.create},
		{"GET /api/notes/{id}", s.get},
		{"PATCH /api/notes/{id}", s.update},
		{"DELETE /api/notes/{id}", s.remove},
		{"GET /api/search", s.search},
		{"GET /api/slow", s.slow},
		{"GET /api/flaky", s.unsteady},
		{"/", func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusNotFound, "not_found", "no such resource")
		}},
	} {
		s.mux.HandleFunc(route.pattern, route.handle)
	}
	return s
}

// ServeHTTP answers a request that carries a key of the workspace.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := s.keyID(r.Header.Get("X-Notes-Key"))
	if id == "" {
		refuse(w, http.StatusUnauthorized, "unauthorized", "the key is missing or not valid")
		return
	}
	if wait := s.limit.take(id); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		refuse(w, http.StatusTooManyRequests, "rate_limited", "too many requests")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	s.mux.ServeHTTP(w, r)
}

// keyID returns the id of a key, or nothing if it is none of the workspace's.
func (s *Server) keyID(key string) string {
	given, found := sha256.Sum256([]byte(key)), ""
	for id, k := range s.config.Keys {
		want := sha256.Sum256([]byte(k))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			found = id
		}
	}
	return found
}

func sleep(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller went away
}

type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]errorBody{"error": {code, message}})
}
