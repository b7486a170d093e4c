package notes

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPage = 20
	maxPage     = 100
	maxSlow     = time.Minute
)

func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]string{
		"workspace": s.config.Workspace, "environment": s.config.Environment, "key_id": s.keyID(r.Header.Get("X-Notes-Key")),
	})
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	limit, q := defaultPage, r.URL.Query()
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			refuse(w, http.StatusBadRequest, "invalid_limit", "limit must be between 1 and 100")
			return
		}
		limit = n
	}
	notes, next := s.book.list(q.Get("tag"), q.Get("cursor"), limit)
	answer(w, http.StatusOK, map[string]any{"notes": notes, "next_cursor": next})
}

// draft is what a caller sends of a note; absent members are nil.
type draft struct {
	Title *string   `json:"title"`
	Body  *string   `json:"body"`
	Tags  *[]string `json:"tags"`
}

// readDraft reads a draft, or answers why it cannot be used.
func readDraft(w http.ResponseWriter, r *http.Request) (d draft, ok bool) {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&d)
	if err == nil {
		_, err = dec.Token()
		if errors.Is(err, io.EOF) {
			err = nil
		} else {
			err = errors.New("more than one value")
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_body", "the body must be a JSON object with title, body and tags")
		return d, false
	}
	if d.Title != nil && strings.TrimSpace(*d.Title) == "" {
		refuse(w, http.StatusUnprocessableEntity, "invalid_title", "title must not be empty")
		return d, false
	}
	return d, true
}

// onto puts what was sent onto a note.
func (d draft) onto(n *Note) {
	if d.Title != nil {
		n.Title = *d.Title
	}
	if d.Body != nil {
		n.Body = *d.Body
	}
	if d.Tags != nil {
		n.Tags = append([]string{}, *d.Tags...)
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	d, ok := readDraft(w, r)
	if !ok {
		return
	}
	if d.Title == nil {
		refuse(w, http.StatusUnprocessableEntity, "invalid_title", "title is needed")
		return
	}
	n := Note{Tags: []string{}, CreatedAt: s.config.Now().UTC()}
	d.onto(&n)
	answer(w, http.StatusCreated, s.book.add(n, r.Header.Get("Idempotency-Key")))
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	n, ok := s.book.get(r.PathValue("id"))
	s.found(w, n, ok)
}

func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	if d, ok := readDraft(w, r); ok {
		n, there := s.book.change(r.PathValue("id"), d.onto)
		s.found(w, n, there)
	}
}

func (s *Server) found(w http.ResponseWriter, n Note, ok bool) {
	if !ok {
		refuse(w, http.StatusNotFound, "not_found", "no such note")
		return
	}
	answer(w, http.StatusOK, n)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	if !s.book.remove(r.PathValue("id")) {
		refuse(w, http.StatusNotFound, "not_found", "no such note")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	words := r.URL.Query().Get("q")
	if strings.TrimSpace(words) == "" {
		refuse(w, http.StatusBadRequest, "invalid_query", "q must not be empty")
		return
	}
	answer(w, http.StatusOK, map[string]any{"notes": s.book.search(words)})
}

// slow answers after as many milliseconds as asked.
func (s *Server) slow(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(r.URL.Query().Get("ms"))
	d := time.Duration(ms) * time.Millisecond
	if err != nil || d < 0 || d > maxSlow {
		refuse(w, http.StatusBadRequest, "invalid_ms", "ms must be between 0 and 60000")
		return
	}
	s.config.Sleep(r, d)
	answer(w, http.StatusOK, map[string]int{"waited_ms": ms})
}

// unsteady fails two times out of three.
func (s *Server) unsteady(w http.ResponseWriter, _ *http.Request) {
	n := s.flaky.Add(1)
	if n%3 != 0 {
		refuse(w, http.StatusServiceUnavailable, "unavailable", "not now; try again")
		return
	}
	answer(w, http.StatusOK, map[string]int64{"attempt": n})
}
