package notes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/notes"
)

var morning = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// ask sends a request with the key "k-dev" unless header says otherwise, and
// returns the answer and its decoded body.
func ask(t *testing.T, h http.Handler, method, target, body string, header ...string) (*http.Response, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("X-Notes-Key", "k-dev")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var decoded map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &decoded); err != nil {
			t.Fatalf("%s %s: %v in %s", method, target, err, w.Body)
		}
	}
	return w.Result(), decoded
}

func dev(c notes.Config) *notes.Server {
	c.Workspace, c.Environment, c.Keys = "acme", "dev", map[string]string{"nk_1": "k-dev", "nk_2": "k-two"}
	return notes.New(c)
}

func titles(body map[string]any) []string {
	var all []string
	for _, n := range body["notes"].([]any) {
		all = append(all, n.(map[string]any)["title"].(string))
	}
	return all
}

func TestWhoAmI(t *testing.T) {
	_, body := ask(t, dev(notes.Config{}), "GET", "/api/me", "")
	if got := fmt.Sprint(body); got != "map[environment:dev key_id:nk_1 workspace:acme]" {
		t.Errorf("me = %s", got)
	}
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		method, target, body string
		key                  string
		status               int
		code                 string
	}{
		"no key":             {method: "GET", target: "/api/me", key: " ", status: 401, code: "unauthorized"},
		"another key":        {method: "GET", target: "/api/me", key: "k-prod", status: 401, code: "unauthorized"},
		"no such note":       {method: "GET", target: "/api/notes/note_9", status: 404, code: "not_found"},
		"no such path":       {method: "GET", target: "/api/x", status: 404, code: "not_found"},
		"limit":              {method: "GET", target: "/api/notes?limit=0", status: 400, code: "invalid_limit"},
		"empty query":        {method: "GET", target: "/api/search?q=", status: 400, code: "invalid_query"},
		"no title":           {method: "POST", target: "/api/notes", body: `{"body":"x"}`, status: 422, code: "invalid_title"},
		"blank title":        {method: "PATCH", target: "/api/notes/note_000001", body: `{"title":" "}`, status: 422, code: "invalid_title"},
		"not JSON":           {method: "POST", target: "/api/notes", body: `title`, status: 400, code: "invalid_body"},
		"two values":         {method: "POST", target: "/api/notes", body: `{"title":"a"}{}`, status: 400, code: "invalid_body"},
		"unknown member":     {method: "POST", target: "/api/notes", body: `{"title":"a","x":1}`, status: 400, code: "invalid_body"},
		"too large":          {method: "POST", target: "/api/notes", body: `{"title":"` + strings.Repeat("a", 1<<20) + `"}`, status: 400, code: "invalid_body"},
		"slow for too long":  {method: "GET", target: "/api/slow?ms=60001", status: 400, code: "invalid_ms"},
		"slow without time":  {method: "GET", target: "/api/slow", status: 400, code: "invalid_ms"},
		"delete unknown":     {method: "DELETE", target: "/api/notes/x", status: 404, code: "not_found"},
		"search":             {method: "GET", target: "/api/search?q=CHECKLIST", status: 200},
		"create":             {method: "POST", target: "/api/notes", body: `{"title":"a","body":"b","tags":["c"]}`, status: 201},
		"change":             {method: "PATCH", target: "/api/notes/note_000001", body: `{"body":"b"}`, status: 200},
		"delete, no content": {method: "DELETE", target: "/api/notes/note_000001", status: 204},
	} {
		header := []string{}
		if tc.key != "" {
			header = []string{"X-Notes-Key", tc.key}
		}
		res, body := ask(t, dev(notes.Config{}), tc.method, tc.target, tc.body, header...)
		if res.StatusCode != tc.status {
			t.Errorf("%s: status %d, want %d", name, res.StatusCode, tc.status)
		}
		if e, _ := body["error"].(map[string]any); tc.code != "" && (e["code"] != tc.code || e["message"] == "") {
			t.Errorf("%s: %v, want code %s", name, body, tc.code)
		}
	}
}

func TestPagesAndTags(t *testing.T) {
	s := dev(notes.Config{Now: func() time.Time { return morning }})
	var all []string
	cursor := ""
	for range 3 {
		_, body := ask(t, s, "GET", "/api/notes?limit=1&cursor="+cursor, "")
		all = append(all, titles(body)...)
		cursor = body["next_cursor"].(string)
	}
	if want := []string{"Ideas", "Release checklist", "Welcome to dev"}; !slices.Equal(all, want) || cursor != "" {
		t.Errorf("pages = %q, next %q; want %q", all, cursor, want)
	}
	if _, body := ask(t, s, "GET", "/api/notes?tag=team", ""); len(titles(body)) != 2 {
		t.Errorf("tag team = %v", body)
	}
}

func TestChangeKeepsTheRest(t *testing.T) {
	s := dev(notes.Config{})
	_, made := ask(t, s, "POST", "/api/notes", `{"title":"a","body":"b","tags":["c"]}`)
	ask(t, s, "PATCH", "/api/notes/"+made["id"].(string), `{"title":"z"}`)
	_, got := ask(t, s, "GET", "/api/notes/"+made["id"].(string), "")
	if got["title"] != "z" || got["body"] != "b" || fmt.Sprint(got["tags"]) != "[c]" {
		t.Errorf("note = %v", got)
	}
}

func TestIdempotencyKey(t *testing.T) {
	s := dev(notes.Config{})
	_, first := ask(t, s, "POST", "/api/notes", `{"title":"a"}`, "Idempotency-Key", "one")
	_, again := ask(t, s, "POST", "/api/notes", `{"title":"a"}`, "Idempotency-Key", "one")
	_, other := ask(t, s, "POST", "/api/notes", `{"title":"a"}`, "Idempotency-Key", "two")
	if first["id"] != again["id"] || first["id"] == other["id"] {
		t.Errorf("ids = %v, %v, %v; want the first two alike", first["id"], again["id"], other["id"])
	}
}

func TestRateLimit(t *testing.T) {
	now := morning.Add(300 * time.Millisecond)
	s := dev(notes.Config{Rate: 2, Now: func() time.Time { return now }})
	for i, want := range []int{200, 200, 429} {
		res, _ := ask(t, s, "GET", "/api/me", "")
		if res.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i+1, res.StatusCode, want)
		}
		if after := res.Header.Get("Retry-After"); want == 429 && after != "1" {
			t.Errorf("Retry-After %q, want 1", after)
		}
	}
	if res, _ := ask(t, s, "GET", "/api/me", "", "X-Notes-Key", "k-two"); res.StatusCode != 200 {
		t.Errorf("another key is limited, too: %d", res.StatusCode)
	}
	now = now.Add(time.Second)
	if res, _ := ask(t, s, "GET", "/api/me", ""); res.StatusCode != 200 {
		t.Errorf("still limited a second later: %d", res.StatusCode)
	}
}

func TestFlakyAndSlow(t *testing.T) {
	var waited time.Duration
	s := dev(notes.Config{Sleep: func(_ *http.Request, d time.Duration) { waited = d }})
	var got []int
	for range 6 {
		res, _ := ask(t, s, "GET", "/api/flaky", "")
		got = append(got, res.StatusCode)
	}
	if want := []int{503, 503, 200, 503, 503, 200}; !slices.Equal(got, want) {
		t.Errorf("flaky = %v, want %v", got, want)
	}
	if res, _ := ask(t, s, "GET", "/api/slow?ms=1500", ""); res.StatusCode != 200 || waited != 1500*time.Millisecond {
		t.Errorf("slow: %d after %v", res.StatusCode, waited)
	}
}
