package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/toolkits/catalog"
)

// A door is the REST door of a whole server with empty records.
type door struct {
	t    *testing.T
	http http.Handler
	log  *bytes.Buffer
	key  string // of the system administrator
	dir  *access.Directory
}

func newDoor(t *testing.T) *door {
	gallery, err := catalog.Apps()
	if err != nil {
		t.Fatal(err)
	}
	dir, log := t.TempDir(), &bytes.Buffer{}
	s, err := server.Open(t.Context(), server.Config{Apps: gallery, Version: "test", StoreURL: "sqlite:" + filepath.Join(dir, "wayleave.db"),
		LocalKey: filepath.Join(dir, "local.key"), KeySoft: time.Minute, KeyHard: time.Minute, Log: zerolog.New(zerolog.SyncWriter(log))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	key, _, err := s.Directory.FirstKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &door{t, s.Handler(), log, key.Secret, s.Directory}
}

// An answer is what the door answered.
type answer struct {
	*httptest.ResponseRecorder
	json map[string]any
}

// send sends a request with a key; a body that is no string is sent as JSON.
func (d *door) send(key, method, path string, body any, headers ...string) answer {
	d.t.Helper()
	var in io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			d.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req := httptest.NewRequestWithContext(d.t.Context(), method, path, in)
	req.Header.Set("Authorization", "Bearer "+key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	d.http.ServeHTTP(a, req)
	_ = json.Unmarshal(a.Body.Bytes(), &a.json)
	return a
}

func (a answer) text(member string) string {
	s, _ := a.json[member].(string)
	return s
}

// isProblem fails the test unless the answer is a problem of the status and
// code.
func (a answer) isProblem(t *testing.T, what string, status int, code string) {
	t.Helper()
	if a.Code != status || a.text("code") != code || a.Header().Get("Content-Type") != "application/problem+json" ||
		a.json["status"] != float64(status) || a.text("type") != fault.Kind(code).Page() || a.text("request_id") == "" ||
		a.text("request_id") != a.Header().Get("X-Request-Id") {
		t.Errorf("%s = %d %v %s; want %d %s", what, a.Code, a.Header(), a.Body, status, code)
	}
}

// made sends a request that must make something.
func (d *door) made(key, path string, body any) answer {
	d.t.Helper()
	a := d.send(key, "POST", path, body)
	if a.Code != http.StatusCreated {
		d.t.Fatalf("POST %s = %d %s", path, a.Code, a.Body)
	}
	return a
}

var inDev = map[string]any{"environments": []any{"dev"}}
