package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// A badInput is an entry of testdata/bad-inputs.json: something that broke, or
// broke into, a system like this one. Which members it has depends on its
// surface: rest, tool-args or upstream.
type badInput struct {
	ID, Surface, Why string
	Note             string // what was adapted
	Later            string // why it cannot be tried as it is meant yet; it is tried as far as it goes

	// rest
	Method, Path string
	Key          string // "none", "read only"; otherwise tenant A's administrator
	Headers      map[string]string
	Body         any
	BodyText     string `json:"body_text"`
	Twice        bool   // expected are the statuses of the first and the second time
	Times        int

	// tool-args
	Tool      string
	Arguments map[string]any
	Raw, B64  string // the arguments as text, in place of Arguments
	Repeat    *struct {
		Member, Text string
		Times        int
		List         bool
	}

	// upstream
	How         string
	Read, Write struct {
		Code   string
		Sent   int64 // requests that must arrive
		AtMost int64 `json:"at_most"` // where more may
	}

	Expect struct {
		HTTP     []int    // rest
		Never    []string // anywhere in the answer
		NoHeader string   `json:"no_header"`
		SameAs   string   `json:"same_as"` // the answer is the one of this path
		Code     string   // tool-args; empty is success
		Calls    int      // requests that reached the app
		Names    []string // tool-args: must be named in the answer
		Saw      []string // tool-args: parts of the request that arrived
		Segment  bool     // tool-args: the id arrived as one segment of the path
	}
}

// badInputs returns the entries of a surface.
func badInputs(t *testing.T, surface string, atLeast int) (found []badInput) {
	t.Helper()
	raw, err := os.ReadFile("testdata/bad-inputs.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []badInput
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, in := range all {
		if ids[in.ID] || !slices.Contains([]string{"rest", "tool-args", "upstream"}, in.Surface) {
			t.Errorf("%s is there twice, or of no surface", in.ID)
		}
		if ids[in.ID] = true; in.Surface == surface {
			found = append(found, in)
		}
	}
	if len(found) < atLeast {
		t.Fatalf("%d entries for %s, want at least %d", len(found), surface, atLeast)
	}
	return found
}

// TestBadInputsREST sends each to the REST door. It is answered as it says, no
// app hears of it, neither tenant changes and a call right after it works.
func TestBadInputsREST(t *testing.T) {
	w := newWorld(t, embedded, withFx(t))
	up := newUpstream(t, nil)
	const secretA, secretB = "secret-of-a-51f0", "secret-of-b-93d2"
	conn := w.connectFx("dev", "bearer", map[string]any{"token": secretA}, up.URL)
	w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": "fx", "app": "fx", "bindings": []any{bind("dev", conn)}}), 201, "id")
	key := w.agent("node", environmentsOf("dev"))
	readOnly := w.agent("reader", map[string]any{"environments": []any{"dev"}, "read_only": true})
	b := w.furnish(w.must(w.rest(w.admin, "POST", "/v1/tenants", map[string]any{"name": "B"}), 201, "admin_key"), "name-of-b")
	config := w.must(w.rest(b.admin, "POST", "/v1/auth-configs", map[string]any{"app": "fx", "environment": "dev", "scheme": "bearer", "name": "B's",
		"params": map[string]any{"base_url": up.URL}, "fields": map[string]any{"token": secretB}}), 201, "id")
	ops := w.operations()
	fill := strings.NewReplacer("${CONN_A}", conn, "${CONN_B}", b.ids["connections"]["id"], "${ATTEMPT_B}", b.ids["attempts"]["id"],
		"${CONN_TMP}", w.connectFx("staging", "bearer", map[string]any{"token": secretA}, up.URL), "${AUTHCFG_B}", config,
		"${SECRET_B}", secretB, "${NAME_B}", "name-of-b", "${UP}", up.URL, "${UPB}", "http://127.0.0.2", "${10000 a}", strings.Repeat("a", 10_000))

	for _, in := range badInputs(t, "rest", 26) {
		t.Run(in.ID, func(t *testing.T) {
			before, calls := w.snapshot(b.admin, ops), arrivedTools(up)
			own := w.snapshot(w.admin, ops)
			sender := map[string]string{"": w.admin, "none": "", "read only": readOnly}[in.Key]
			for i := range max(in.Times, 1) {
				r := in.send(t, w.url, sender, fill)
				if !slices.Contains(in.statuses(0), r.status) {
					t.Fatalf("time %d: %d %.300s, want %v", i, r.status, r.raw, in.Expect.HTTP)
				}
				in.check(t, w, r, fill)
			}
			if in.Twice {
				if r := in.send(t, w.url, sender, fill); !slices.Contains(in.statuses(1), r.status) {
					t.Errorf("the second time: %d %.300s, want %v", r.status, r.raw, in.Expect.HTTP)
				}
			}
			if n := arrivedTools(up) - calls; n != 0 {
				t.Errorf("%d requests reached the app", n)
			}
			if w.snapshot(b.admin, ops) != before {
				t.Error("tenant B changed")
			}
			if refused := in.statuses(0)[0] >= 400; refused && w.snapshot(w.admin, ops) != own {
				t.Error("it was refused, and tenant A changed")
			}
			alive := w.rest(key, "POST", "/v1/toolkits/fx/tools/get_item", map[string]any{"arguments": map[string]any{"id": "alive"}})
			if alive.status != 200 {
				t.Errorf("a call after it: %d %.300s", alive.status, alive.raw)
			}
		})
	}
}

// statuses returns those expected the first or the second time.
func (in badInput) statuses(time int) []int {
	if in.Twice {
		return in.Expect.HTTP[time : time+1]
	}
	return in.Expect.HTTP
}

func (in badInput) send(t *testing.T, base, key string, fill *strings.Replacer) reply {
	t.Helper()
	var headers []string
	for name, value := range in.Headers {
		headers = append(headers, name, value)
	}
	path := fill.Replace(in.Path)
	if in.BodyText != "" {
		return sendText(t, base, key, in.Method, path, in.BodyText, headers...)
	}
	if in.Body == nil {
		return send(t, base, key, in.Method, path, nil, headers...)
	}
	text, err := json.Marshal(in.Body)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, base, key, in.Method, path, json.RawMessage(fill.Replace(string(text))), headers...)
}

// sendText sends a body that is no JSON.
func sendText(t testing.TB, base, key, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return answerTo(t, req)
}

func (in badInput) check(t *testing.T, w *world, r reply, fill *strings.Replacer) {
	t.Helper()
	for _, text := range in.Expect.Never {
		if strings.Contains(string(r.raw), fill.Replace(text)) {
			t.Errorf("the answer holds %s: %s", text, r.raw)
		}
	}
	if name := in.Expect.NoHeader; name != "" && r.header.Get(name) != "" {
		t.Errorf("%s: %s", name, r.header.Get(name))
	}
	if in.Expect.SameAs != "" {
		other := w.rest(w.admin, in.Method, in.Expect.SameAs, nil)
		path := strings.Split(fill.Replace(in.Path), "/")
		ours := strings.ReplaceAll(withoutRequest(r), path[3], strings.Split(in.Expect.SameAs, "/")[3])
		if r.status != other.status || ours != withoutRequest(other) {
			t.Errorf("%d %s differs from %d %s", r.status, r.raw, other.status, other.raw)
		}
	}
	if r.status >= 400 && r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("the answer is %s: %.200s", r.header.Get("Content-Type"), r.raw)
	}
	if len(r.raw) > 4096 && r.status >= 400 {
		t.Errorf("the answer has %d bytes: it repeats what was sent", len(r.raw))
	}
}

func arrivedTools(u *upstream) int {
	_, n := u.requests()
	return n
}

// argumentsText returns the arguments of an entry as JSON.
func (in badInput) argumentsText(t *testing.T) string {
	t.Helper()
	if in.B64 != "" {
		raw, err := base64.StdEncoding.DecodeString(in.B64)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if in.Raw != "" {
		return in.Raw
	}
	arguments := in.Arguments
	if r := in.Repeat; r != nil && r.List {
		arguments[r.Member] = slices.Repeat([]string{r.Text}, r.Times)
	} else if r != nil {
		arguments[r.Member] = strings.Repeat(r.Text, r.Times)
	}
	text, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
