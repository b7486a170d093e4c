package rest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/toolkits/apps"
)

func TestPickAndDrop(t *testing.T) {
	const issue = `{"number":1,"user":{"login":"ann","id":7},"labels":[{"name":"a","color":"x"},{"name":"b"}],"body":null}`
	for name, tc := range map[string]struct {
		doc  string
		out  apps.Output
		want string
	}{
		"everything":            {doc: issue, want: issue},
		"members and paths":     {doc: issue, out: apps.Output{Pick: []string{"number", "user.login", "labels.name", "body"}}, want: `{"body":null,"labels":[{"name":"a"},{"name":"b"}],"number":1,"user":{"login":"ann"}}`},
		"two paths of a list":   {doc: issue, out: apps.Output{Pick: []string{"labels.name", "labels.color"}}, want: `{"labels":[{"color":"x","name":"a"},{"name":"b"}]}`},
		"what is not there":     {doc: issue, out: apps.Output{Pick: []string{"nope", "user.nope", "number.deep"}}, want: `{"user":{}}`},
		"of each item":          {doc: `[{"a":1,"b":2},"text",{"b":3}]`, out: apps.Output{Pick: []string{"a"}}, want: `[{"a":1},"text",{}]`},
		"left out":              {doc: issue, out: apps.Output{Drop: []string{"body", "user.id", "labels.color", "nope.deep"}}, want: `{"labels":[{"name":"a"},{"name":"b"}],"number":1,"user":{"login":"ann"}}`},
		"of a scalar, all":      {doc: `7`, out: apps.Output{Pick: []string{"a"}}, want: `7`},
		"a number stays itself": {doc: `{"id":12345678901234567890}`, out: apps.Output{Pick: []string{"id"}}, want: `{"id":12345678901234567890}`},
	} {
		ans := apps.NewAnswer(200, http.Header{}, []byte(tc.doc), "h")
		got, err := json.Marshal(shape(document(ans), tc.out))
		if err != nil || !sameJSON(string(got), tc.want) {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tc.want)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

func TestAnswersThatAreNoJSON(t *testing.T) {
	for name, tc := range map[string]struct{ kind, body, want string }{
		"nothing":        {"", "", `{"status":200}`},
		"text":           {"text/plain; charset=utf-8", "hello", `"hello"`},
		"a page":         {"text/html", "<p>hi", `"\u003cp\u003ehi"`},
		"broken JSON":    {"application/json", `{"a":NaN}`, `"{\"a\":NaN}"`},
		"bytes":          {"image/png", "\x89PNG\xff", `{"bytes":5,"content_type":"image/png","note":"The content is binary and is left out."}`},
		"text that lies": {"text/plain", "\xff\xfe", `{"bytes":2,"content_type":"text/plain","note":"The content is binary and is left out."}`},
	} {
		h := http.Header{}
		h.Set("Content-Type", tc.kind)
		got, err := json.Marshal(document(apps.NewAnswer(200, h, []byte(tc.body), "h")))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tc.want)
		}
	}
}

func TestLinkHeader(t *testing.T) {
	for header, want := range map[string]string{
		`<https://a/2>; rel="next", <https://a/9>; rel="last"`: "https://a/2",
		`<https://a/1>; rel="prev", <https://a/3>; rel=next`:   "https://a/3",
		`<https://a/x,y>; title="a, b"; rel="prefetch NEXT"`:   "https://a/x,y",
		`<https://a/1>; rel="nextish"`:                         "",
		`garbage`:                                              "",
		`<unclosed; rel="next"`:                                "",
		``:                                                     "",
	} {
		if got := linkHeader(http.Header{"Link": {header}}, "next"); got != want {
			t.Errorf("linkHeader(%q) = %q, want %q", header, got, want)
		}
	}
}
