package apps_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

const createTool = `tools:
  - name: create
    description: Create an item of a test.
    input:
      type: object
      additionalProperties: false
      required: [name, count]
      properties:
        name: { type: string, pattern: "^(a+)+$|^[^a]|^a[^a]", maxLength: 100000 }
        count: { type: integer, minimum: 1, maximum: 100 }
        color: { type: string, enum: [red, green], default: red }
        when: { type: string, format: date-time }
        tags: { type: array, items: { type: string }, maxItems: 10 }
        opts: { type: object, additionalProperties: false, properties: { deep: { type: integer, default: 3 }, flag: { type: boolean } } }
    request: { method: POST, path: /items, body: { name: "{{input.name}}" } }
`

func createItem(t testing.TB) *apps.Tool {
	app, err := apps.Parse("sample.yaml", []byte(define("tools", createTool)))
	if err != nil {
		t.Fatal(problems(err))
	}
	return app.Tool("create")
}

func TestCheck(t *testing.T) {
	tool := createItem(t)
	for raw, want := range map[string]string{
		`{"name":"b","count":7}`:                                         `{"color":"red","count":7,"name":"b"}`,
		`{"name":"b","count":1.0}`:                                       `{"color":"red","count":1,"name":"b"}`,
		`{"name":"b","count":1e1}`:                                       `{"color":"red","count":10,"name":"b"}`,
		`{"name":"b","count":1,"color":"green","opts":{}}`:               `{"color":"green","count":1,"name":"b","opts":{"deep":3}}`,
		`{"name":"b","count":1,"opts":{"deep":2.0,"flag":true}}`:         `{"color":"red","count":1,"name":"b","opts":{"deep":2,"flag":true}}`,
		`{"name":"a\u202ecod.exe\u200b","count":1}`:                      `{"color":"red","count":1,"name":"a` + "\u202ecod.exe\u200b" + `"}`,
		`{"name":"${env.HOME} $(id) ` + "`id`" + `","count":1}`:          `{"color":"red","count":1,"name":"${env.HOME} $(id) ` + "`id`" + `"}`,
		`{"name":"b","count":1,"when":"2026-02-28T23:00:00Z","tags":[]}`: `{"color":"red","count":1,"name":"b","tags":[],"when":"2026-02-28T23:00:00Z"}`,
	} {
		got, err := tool.Check(json.RawMessage(raw))
		if err != nil {
			t.Errorf("%s: %s", raw, problems(err))
			continue
		}
		if !reflect.DeepEqual(got, args(t, want)) {
			t.Errorf("%s: %v; want %s", raw, got, want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	tool := createItem(t)
	invalid, _ := base64.StdEncoding.DecodeString("eyJuYW1lIjoi//4iLCJjb3VudCI6MX0=")
	for name, tc := range map[string]struct{ raw, says string }{
		"integer as a text":   {`{"name":"b","count":"7"}`, `/count must be an integer, got the string "7"`},
		"fraction":            {`{"name":"b","count":1.5}`, "/count must be an integer, got the number 1.5"},
		"NaN":                 {`{"name":"b","count":NaN}`, "not valid JSON"},
		"nothing":             {`{}`, "/count is required\n/name is required"},
		"no arguments at all": {``, "/name is required"},
		"null":                {`null`, "/name is required"},
		"constructor":         {`{"name":"b","count":1,"constructor":{"x":1}}`, "/constructor is not known here"},
		"prototype":           {`{"name":"b","count":1,"prototype":{"x":1}}`, "/prototype is not known here"},
		"toString":            {`{"name":"b","count":1,"toString":{"x":1}}`, "/toString is not known here"},
		"$where":              {`{"name":"b","count":1,"$where":{"x":1}}`, "/$where is not known here"},
		"slash in a name":     {`{"name":"b","count":1,"a/b~c":1}`, "/a~1b~0c is not known here"},
		"base_url":            {`{"name":"b","count":1,"base_url":"http://169.254.169.254/"}`, "/base_url is not known here"},
		"environment":         {`{"name":"b","count":1,"_environment":"prod"}`, "/_environment is not known here"},
		"Host":                {`{"name":"b","count":1,"Host":"evil"}`, "/Host is not known here"},
		"header injection":    {`{"name":"b","count":1,"X-Trace":"v\r\nAuthorization: Bearer evil"}`, "/X-Trace is not known here"},
		"enum in capitals":    {`{"name":"b","count":1,"color":"RED"}`, `/color must be one of red, green, got the string "RED"`},
		"date":                {`{"name":"b","count":1,"when":"2026-02-30T25:00:00Z"}`, "/when must be a date-time"},
		"pattern, long":       {`{"name":"` + strings.Repeat("a", 50_000) + `b","count":1}`, "/name must match"},
		"a million items":     {`{"name":"b","count":1,"tags":[` + strings.Repeat(`"x",`, 999_999) + `"x"]}`, "over 1048576 bytes"},
		"many items":          {`{"name":"b","count":1,"tags":[` + strings.Repeat(`"x",`, 9_999) + `"x"]}`, "/tags must have at most 10 items, got 10000"},
		"not UTF-8":           {string(invalid), "not valid UTF-8"},
		"the same twice":      {`{"name":"b","count":1,"name":"c"}`, "/name is given twice"},
		"the same, escaped":   {`{"name":"b","count":1,"n\u0061me":"c"}`, "/name is given twice"},
		"twice, deeper":       {`{"name":"b","count":1,"opts":{"deep":1,"deep":2}}`, "/opts/deep is given twice"},
		"deep":                {`{"name":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `,"count":1}`, "nest more than 64 deep"},
		"object as a text":    {`"{\"name\":\"b\",\"count\":1}"`, "a string that holds JSON; send the object itself"},
		"member as a text":    {`{"name":"b","count":1,"opts":"{\"deep\":1}"}`, "/opts must be an object; got a string that holds JSON"},
		"list as a text":      {`{"name":"b","count":1,"tags":"[\"x\"]"}`, "/tags must be an array; got a string that holds JSON"},
		"a list":              {`[1]`, "must be a JSON object"},
		"two documents":       {`{"name":"b","count":1} {}`, "not valid JSON"},
		"comment":             {`{"name":"b","count":1} // x`, "not valid JSON"},
		"single quotes":       {`{'name':'b'}`, "not valid JSON"},
		"trailing comma":      {`{"name":"b","count":1,}`, "not valid JSON"},
		"leading zero":        {`{"name":"b","count":01}`, "not valid JSON"},
		"raw line break":      {"{\"name\":\"a\nb\",\"count\":1}", "not valid JSON"},
		"huge exponent":       {`{"name":"b","count":1e999999999}`, "/count is a number of 11 characters, which no app takes"},
		"long number":         {`{"name":"b","count":` + strings.Repeat("9", 1000) + `}`, "/count is a number of 1000 characters"},
		"huge number":         {`{"name":"b","count":1e308}`, "/count must be at most 100, got the number 1e308"},
		"null for an integer": {`{"name":"b","count":null}`, "/count must be an integer, got null"},
		"nested unknown":      {`{"name":"b","count":1,"opts":{"x":1}}`, "/opts/x is not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tool.Check(json.RawMessage(tc.raw))
			if !errors.Is(err, fault.InvalidInput) {
				t.Fatalf("Check gives %v; want invalid_input", err)
			}
			if got := problems(err); !strings.Contains(got, tc.says) || len(got) > 4000 {
				t.Errorf("%.500s\ndoes not say %q", got, tc.says)
			}
		})
	}
}

// A caller's long value may be a document or a secret; it is not repeated.
func TestCheckRepeatsNoLongValue(t *testing.T) {
	long := strings.Repeat("c4n4ry", 20)
	for _, raw := range []string{`{"name":"b","count":"` + long + `"}`, `{"name":"b","count":1,"color":"` + long + `"}`, `{"name":"b","count":1,"when":"` + long + `"}`, `{"name":"b","count":1,"` + long + `":1}`, `"` + long + `"`} {
		_, err := createItem(t).Check(json.RawMessage(raw))
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Fatal(err)
		}
		if strings.Contains(problems(err)+f.Fix, long) {
			t.Errorf("%.40s: repeated in %s", raw, problems(err))
		}
	}
}

// Every call has its own arguments: what one does to a default is not there for
// the next.
func TestCheckSharesNoDefault(t *testing.T) {
	app := parse(t, "tools", tool("", "tags: {type: array, items: {type: string}, default: [a]}", "method: GET, path: /x"))
	first, _ := app.Tool("act").Check(nil)
	first["tags"].([]any)[0] = "changed"
	if second, _ := app.Tool("act").Check(nil); second["tags"].([]any)[0] != "a" {
		t.Error("a default was changed by an earlier call")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{}`, `{"name":"b","count":1}`, `{"a":[1,2.5e-3,true,null,"\ud83d\ude00"]}`, `"x"`, `{"a":{"a":1},"b":"\n"}`, "[[[", `{"count":1e400}`, ` { "name" : "x" , "count" : -0 } `} {
		f.Add([]byte(s))
	}
	tool := createItem(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := tool.Check(raw)
		if err != nil {
			if !errors.Is(err, fault.InvalidInput) {
				t.Fatal(err)
			}
			return
		}
		// What is accepted is what encoding/json reads, too, but for defaults.
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if len(raw) > 0 {
			if err := d.Decode(&want); err != nil || !utf8.Valid(raw) {
				t.Fatalf("%q was accepted, encoding/json says %v", raw, err)
			}
		}
		for k, v := range want {
			if s, ok := v.(string); ok && got[k] != s {
				t.Fatalf("%q: %s is %q; encoding/json says %q", raw, k, got[k], s)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	tool := createItem(b)
	raw := json.RawMessage(`{"name":"bbb","count":7,"tags":["x","y"],"opts":{"flag":true}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tool.Check(raw); err != nil {
			b.Fatal(err)
		}
	}
}
