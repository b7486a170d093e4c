package apps_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

func TestParse(t *testing.T) {
	app := parse(t)
	if app.Slug != "sample" || app.Revision != 1 || len(app.Digest) != 64 || app.Test != nil {
		t.Errorf("App = %+v", app)
	}
	x := app.AuthByID("token")
	if x == nil || len(x.Fields) != 1 || x.Fields[0].Name != "token" || !x.Fields[0].Sensitive || x.Apply.Header["Authorization"].Source() != "Bearer {{secret.token}}" {
		t.Errorf("bearer without more is %+v", x)
	}
	if app.Limits.MaxAttempts != 2 || !app.Limits.Retries(503) || app.Limits.Retries(400) {
		t.Errorf("limits of a definition without any are %+v", app.Limits)
	}
	if app.AuthByID("other") != nil || app.Tool("other") != nil {
		t.Error("unknown names are found")
	}
}

// Every entry is a definition that must be refused, and what its problems say.
var refused = map[string]struct{ yaml, says string }{
	// The source.
	"alias bomb": {"a: &a [\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\"]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", "sample.yaml:6:"},
	"alias of itself":   {"a: &a [*a]\n", "names no anchor before it"},
	"unknown alias":     {"a: *b\n", "1:4 the alias"},
	"duplicate key":     {define("app", "app:\n  slug: sample\n  title: a\n  title: b"), `5:3 the key "title" is here twice, first in line 4`},
	"two documents":     {define() + "---\n" + define(), "7:7 a file holds one definition"},
	"tag":               {define("app", "app: !!python/object/apply:os.system [id]"), "2:6 tags such as"},
	"octal":             {define("limits", "limits: { concurrency: 010 }"), `"010" reads as different numbers`},
	"hexadecimal":       {define("limits", "limits: { concurrency: 0x10 }"), `"0x10" reads as different numbers`},
	"not a number":      {define("limits", "limits: { concurrency: .nan }"), "no value a definition can hold"},
	"tab":               {"name:\tx\n\tbase_url: y", "2:1 not valid YAML"},
	"merge key":         {define("extra", "a: &a {b: c}\nd: {<<: *a}"), "merge keys"},
	"complex key":       {define("extra", "? a\n: b"), "complex keys"},
	"number as a key":   {define("api", "api: { base_url: 'https://api.example.com', headers: { 1: a } }"), `the key "1" is not a text`},
	"directive":         {"%YAML 1.1\n---\n" + define(), "directives are not allowed"},
	"unquoted template": {define("api", "api: { base_url: {{params.x}} }"), "must be quoted"},
	"not UTF-8":         {"a: \xff\n", "UTF-8"},
	"empty":             {"# nothing\n", "is empty"},
	"too long":          {define("extra", "#"+strings.Repeat("x", 1<<20)), "at most 1048576 bytes"},
	"nested flow":       {"a: " + strings.Repeat("[", 100_000), "nested more than 64 deep"},
	"nested block":      {strings.Repeat("- ", 100_000), "nested more than 64 deep"},
	"a list of nothing": {strings.Repeat("-\n", 500_000), "shorter than this"},
	"a list of little":  {strings.Repeat("-\n", 5_000), "more than 100 entries have no value"},
	"a long list":       {strings.Repeat("- a\n", 3_000), "at most 2500 items"},
	"values left out":   {strings.Repeat("a:\n", 300), "more than 100 entries have no value"},
	"a wide mapping":    {strings.Repeat("a: b\n", 100_000), "at most 400 members"},

	// The shape.
	"a list":              {"- a\n", "must be an object, got a list of 1"},
	"unknown field":       {define("api", "api: { base_ulr: x }"), `unknown field "base_ulr"; did you mean "base_url"?`},
	"missing section":     {define("auth", ""), "auth is missing"},
	"later section":       {define("extra", "openapi: []"), "openapi is not supported by this version"},
	"later auth type":     {define("auth", "auth: [{ id: a, type: oauth2_code, title: A }]"), "oauth2_code is not supported by this version; use one of none"},
	"script to authorize": {define("auth", "auth: [{ id: a, type: oauth2_code, title: A, authorize: { url: 'javascript:alert(1)' } }]"), "authorize is not supported"},
	"later format":        {define("tools", tool("", "", "method: POST, path: /a, format: xml, body: a")), "xml is not supported by this version"},
	"other schema":        {define("schema", "schema: app/v2"), "schema must be app/v1"},
	"bad slug":            {define("app", "app: { slug: Sample, title: S }"), "slug must match"},
	"slug no":             {define("app", "app: { slug: yes!, title: S }"), "slug must match"},
	"bad duration":        {define("api", "api: { base_url: 'https://api.example.com', timeout: 30 }"), "timeout must be a string"},
	"too many tools": {define("tools", "tools:\n"+strings.Repeat("  - { name: a, description: aaaaaaaaaaaa, input: {type: object}, request: {method: GET, path: /a} }\n", 2001)),
		"tools must have at most 2000 items, got 2001"},

	// Addresses.
	"file":                {define("api", "api: { base_url: 'file:///etc/passwd' }"), "begins with https://"},
	"gopher":              {define("api", "api: { base_url: 'gopher://127.0.0.1:6379/_FLUSHALL' }"), "begins with https://"},
	"ftp":                 {define("api", "api: { base_url: 'ftp://x/' }"), "begins with https://"},
	"javascript":          {define("api", "api: { base_url: 'javascript:alert(1)' }"), "begins with https://"},
	"fragment":            {define("api", "api: { base_url: 'https://api.example.com/#x' }"), "no fragment"},
	"query in the base":   {define("api", "api: { base_url: 'https://api.example.com?a=b' }"), "no query"},
	"user in the base":    {define("api", "api: { base_url: 'https://u:p@api.example.com' }"), "without user"},
	"loopback":            {define("hosts", "hosts: ['127.0.0.1:8200']", "api", "api: { base_url: 'https://127.0.0.1:8200/' }"), "private network"},
	"decimal address":     {define("hosts", "hosts: ['2130706433']", "api", "api: { base_url: 'https://2130706433/' }"), "four decimal numbers"},
	"octal address":       {define("hosts", "hosts: [0177.0.0.1]", "api", "api: { base_url: 'https://0177.0.0.1/' }"), "four decimal numbers"},
	"mapped address":      {define("hosts", "hosts: ['[::ffff:169.254.169.254]']"), "never an app's"},
	"metadata":            {define("hosts", "hosts: [169.254.169.254]", "network", "network: { private: ask }"), "never an app's"},
	"azure wire server":   {define("hosts", "hosts: [168.63.129.16]"), "never an app's"},
	"alibaba metadata":    {define("hosts", "hosts: [100.100.100.200]"), "never an app's"},
	"localhost with dot":  {define("hosts", "hosts: [localhost.]"), "none at the end"},
	"localhost":           {define("hosts", "hosts: [localhost]"), "private network"},
	"homograph":           {define("hosts", "hosts: [\"\\u0430pi.example.com\"]"), "ASCII"},
	"port":                {define("hosts", "hosts: ['api.example.com:99999']"), "from 1 to 65535"},
	"host not declared":   {define("api", "api: { base_url: 'https://api.evil.example' }"), "not declared under hosts"},
	"port not declared":   {define("api", "api: { base_url: 'https://api.example.com:8443' }"), "not declared under hosts"},
	"http":                {define("api", "api: { base_url: 'http://api.example.com' }"), "in the clear"},
	"wild top level":      {define("hosts", "hosts: ['*.com']"), "two labels"},
	"wild base":           {define("hosts", "hosts: ['*.example.com']", "api", "api: { base_url: 'https://*.example.com' }"), "without user, password or *"},
	"input in the base":   {define("api", "api: { base_url: 'https://{{input.host}}.example.com' }"), "only {{params.…}}"},
	"secret in the base":  {define("api", "api: { base_url: 'https://api.example.com/{{secret.token}}' }"), "only {{params.…}}"},
	"undeclared in hosts": {define("hosts", "hosts: ['{{params.store}}.example.com']"), `the param "store" is not declared`},
	"param as the domain": {define("params", "params: [{ name: d, title: D, type: string, required: true, pattern: '^[a-z]+$' }]", "hosts", "hosts: ['api.{{params.d}}']"), "last two labels"},
	"label without pattern": {define("params", "params: [{ name: d, title: D, type: string, required: true }]", "hosts", "hosts: ['{{params.d}}.example.com']"),
		"needs a pattern"},
	"host without format": {define("params", "params: [{ name: d, title: D, type: string, required: true }]", "hosts", "hosts: ['{{params.d}}']"), "has format hostname"},
	"optional label": {define("params", "params: [{ name: d, title: D, type: string, pattern: '^[a-z]+$' }]", "hosts", "hosts: ['{{params.d}}.example.com']", "api", "api: { base_url: 'https://{{params.d}}.example.com' }"),
		"must be required or have a default"},
	"dot dot in the base": {define("api", "api: { base_url: 'https://api.example.com/a/../b' }"), `".."`},

	// Params.
	"pattern not anchored": {define("params", "params: [{ name: a, title: A, type: string, pattern: 'a+' }]"), "must match"},
	"pattern not RE2":      {define("params", "params: [{ name: a, title: A, type: string, pattern: '^(?=a)a$' }]"), "not a pattern of RE2"},
	"param twice":          {define("params", "params: [{ name: a, title: A, type: string }, { name: a, title: A, type: string }]"), "declared twice"},
	"bad default":          {define("params", "params: [{ name: a, title: A, type: integer, default: x }]"), "the default of a must be an integer"},
	"bad example":          {define("params", "params: [{ name: a, title: A, type: string, format: uuid, example: x }]"), "the example of a must be a UUID"},
	"http_url":             {define("params", "params: [{ name: a, title: A, type: string, format: http_url }]"), "plain_http: true"},

	// Auth.
	"header name":           {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { \"X Bad\\r\\n\": '{{secret.key}}' } } }]"), "cannot be the name of a header"},
	"hop-by-hop":            {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { Transfer-Encoding: '{{secret.key}}' } } }]"), "set by the HTTP client"},
	"host header":           {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { Host: '{{secret.key}}' } } }]"), "set by the HTTP client"},
	"undeclared secret":     {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { X-Key: '{{secret.token}}' } } }]"), `the secret "token" is not among the fields`},
	"secret that is unused": {define("auth", "auth: [{ id: a, type: custom, title: A, fields: [{ name: b, title: B }, { name: c, title: C }], apply: { header: { X-Key: '{{secret.b}}' } } }]"), "puts it nowhere"},
	"input in apply":        {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { X-Key: '{{input.key}}' } } }]"), "only {{secret.…}}"},
	"auth twice":            {define("auth", "auth: [{ id: a, type: none, title: A }, { id: a, type: none, title: A }]"), "is used twice"},
	"none with fields":      {define("auth", "auth: [{ id: a, type: none, title: A, fields: [{ name: b, title: B }] }]"), "has no fields"},
	"api key without apply": {define("auth", "auth: [{ id: a, type: api_key, title: A }]"), "needs apply"},
	"bearer renamed":        {define("auth", "auth: [{ id: a, type: bearer, title: A, fields: [{ name: pat, title: B }] }]"), "without apply"},

	// Requests.
	"absolute path":       {define("tools", tool("", "", "method: GET, path: 'https://evil.example/x'")), "path must match"},
	"url elsewhere":       {define("tools", tool("", "", "method: GET, url: 'https://evil.example/x'")), "not declared under hosts"},
	"input as the host":   {define("tools", tool("h", "h: {type: string}", "method: GET, url: 'https://{{input.h}}/x'")), "only {{params.…}}"},
	"undeclared input":    {define("tools", tool("", "id: {type: string}", "method: GET, path: '/x/{{input.ids}}'")), `"ids" is not among the properties of the input schema; did you mean "id"?`},
	"undeclared member":   {define("tools", tool("a", "a: {type: object, properties: {b: {type: string}}}", "method: GET, path: /x, query: {c: '{{input.a.c}}'}")), `"a.c" is not among`},
	"optional in a path":  {define("tools", tool("", "id: {type: string}", "method: GET, path: '/x/{{input.id}}'")), "must be required or have a default"},
	"secret in a tool":    {define("tools", tool("", "", "method: GET, path: /x, headers: {X-A: '{{secret.token}}'}")), "can stand only under auth"},
	"credential header":   {define("tools", tool("a", "a: {type: string}", "method: GET, path: /x, headers: {Authorization: '{{input.a}}'}")), "carries a credential"},
	"own auth header":     {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { X-Key: '{{secret.key}}' } } }]", "tools", tool("", "", "method: GET, path: /x, headers: {x-key: a}")), "carries a credential"},
	"own auth query":      {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { query: { key: '{{secret.key}}' } } }]", "tools", tool("", "", "method: GET, path: /x, query: {key: a}")), "carries the credential"},
	"own auth member":     {define("auth", "auth: [{ id: a, type: api_key, title: A, apply: { body: { key: '{{secret.key}}' } } }]", "tools", tool("", "", "method: POST, path: /x, body: {key: a}")), "carries the credential"},
	"cookie":              {define("tools", tool("", "", "method: GET, path: /x, headers: {Cookie: a=b}")), "carries a credential"},
	"content length":      {define("tools", tool("", "", "method: GET, path: /x, headers: {Content-Length: '3'}")), "set by the HTTP client"},
	"body of a GET":       {define("tools", tool("", "", "method: GET, path: /x, body: {a: b}")), "has no body"},
	"query in the path":   {define("tools", tool("", "", "method: GET, path: '/x?a=b'")), "under query"},
	"hidden dots":         {define("tools", tool("", "", "method: GET, path: '/x/%2e%2E/y'")), "hides a dot"},
	"space in the path":   {define("tools", tool("", "", "method: GET, path: '/x y'")), "percent-encoded"},
	"several in a query":  {define("tools", tool("a", "a: {type: string}", "method: GET, path: /x, query: {b: '{{input.a...}}'}")), "only stand in a path"},
	"several in a header": {define("tools", tool("a", "a: {type: string}", "method: GET, path: /x, headers: {X-B: '{{input.a...}}'}")), "only stand in a path"},
	"graphql with input":  {define("tools", tool("a", "a: {type: string}", "method: POST, path: /x, format: graphql, body: {query: 'query { a(b: {{input.a}}) }'}")), "literal"},
	"no path":             {define("tools", tool("", "", "method: GET")), "a request has a path, or a url"},
	"test with input":     {define("test", "test: { request: { method: GET, path: '/{{input.a}}' } }"), "only {{params.…}}"},
	"bad json path":       {define("errors", "errors: [{ when: { all: [{ path: '$..a', exists: true }] }, class: failed }]"), "uses more than"},
	"rule without a when": {define("errors", "errors: [{ when: {}, class: failed }]"), "at least 1 members"},
	"bad status":          {define("errors", "errors: [{ when: { status: [4xy] }, class: failed }]"), "a status is a number"},
	"unknown class":       {define("errors", "errors: [{ when: { status: [404] }, class: gone }]"), "class must be one of"},
	"unknown pagination":  {define("tools", tool("", "", "method: GET, path: /x")+"    annotations: { read_only: true }\n    paginate: { use: pages }\n"), `no "pages" under pagination`},
	"cursor without next": {define("pagination", "pagination: { c: { kind: cursor, send: c } }", "tools", tool("", "", "method: GET, path: /x")+"    annotations: { read_only: true }\n    paginate: { use: c }\n"), "needs next"},

	// Tools and their schemas.
	"tool twice":          {define("tools", tool("", "", "method: GET, path: /x")+strings.TrimPrefix(tool("", "", "method: GET, path: /x"), "tools:\n")), "declared twice"},
	"schema type":         {define("tools", "tools: [{ name: a, description: aaaaaaaaaaaa, input: { type: objekt }, request: { method: GET, path: /a } }]"), "not a JSON Schema"},
	"remote ref":          {define("tools", "tools: [{ name: a, description: aaaaaaaaaaaa, input: { type: object, additionalProperties: false, properties: { a: { $ref: 'http://127.0.0.1:9200/x' } } }, request: { method: GET, path: /a } }]"), "refers only to its own $defs"},
	"file ref":            {define("tools", "tools: [{ name: a, description: aaaaaaaaaaaa, input: { type: object, additionalProperties: false, $ref: 'file:///etc/passwd' }, request: { method: GET, path: /a } }]"), "refers only to its own $defs"},
	"schema id":           {define("tools", "tools: [{ name: a, description: aaaaaaaaaaaa, input: { $id: 'http://x/', type: object, additionalProperties: false }, request: { method: GET, path: /a } }]"), "has no $id"},
	"open schema":         {define("tools", "tools: [{ name: a, description: aaaaaaaaaaaa, input: { type: object }, request: { method: GET, path: /a } }]"), "additionalProperties: false"},
	"deep schema":         {define("tools", tool("", "a: "+strings.Repeat("{type: array, items: ", 20)+"{}"+strings.Repeat("}", 20), "method: GET, path: /x")), "more than 16 deep"},
	"large schema":        {define("tools", tool("", "a: {type: string, description: '"+strings.Repeat("x", 33<<10)+"'}", "method: GET, path: /x")), "at most 32768"},
	"pattern of a schema": {define("tools", tool("", "a: {type: string, pattern: '^(?=a)$'}", "method: GET, path: /x")), "not a JSON Schema"},
	"bad schema default":  {define("tools", tool("", "a: {type: integer, default: x}", "method: GET, path: /x")), "does not fit its own schema"},
	"required unknown":    {define("tools", tool("b", "a: {type: integer}", "method: GET, path: /x")), "b is required but not among the properties"},
	"invisible words":     {define("tools", "tools: [{ name: a, description: \"<IMPORTANT>read it</IMPORTANT>\\u200b\\u202e\", input: { type: object, additionalProperties: false }, request: { method: GET, path: /a } }]"), "invisible character U+200B"},
	"invisible in schema": {define("tools", tool("", "a: {type: string, description: \"a\\u2066b\"}", "method: GET, path: /x")), "invisible character U+2066"},
	"long description":    {define("tools", "tools: [{ name: a, description: '"+strings.Repeat("a", 1025)+"', input: { type: object, additionalProperties: false }, request: { method: GET, path: /a } }]"), "at most 1024 characters"},
	"read-only delete":    {define("tools", tool("", "", "method: DELETE, path: /x")+"    annotations: { read_only: true }\n"), "a DELETE is not read_only"},
	"harmless destroyer":  {define("tools", tool("", "", "method: GET, path: /x")+"    annotations: { read_only: true, destructive: true }\n"), "cannot be read_only and destructive"},
	"unknown auth":        {define("tools", tool("", "", "method: GET, path: /x")+"    auth: [other]\n"), `there is no auth "other"`},
}

func TestParseRefuses(t *testing.T) {
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			_, err := apps.Parse("sample.yaml", []byte(tc.yaml))
			if !errors.Is(err, fault.InvalidInput) {
				t.Fatalf("Parse gives %v; want invalid_input", err)
			}
			if got := problems(err); !strings.Contains(got, tc.says) {
				t.Errorf("the problems do not say %q:\n%s", tc.says, got)
			}
			var f *fault.Error
			errors.As(err, &f)
			for _, p := range f.Problems {
				var line, col int
				if n, _ := fmt.Sscanf(p.Path, "sample.yaml:%d:%d", &line, &col); n != 2 || line < 1 || col < 1 {
					t.Errorf("%q is no place in the file", p.Path)
				}
				if len(p.Message) > 600 {
					t.Errorf("a message of %d bytes", len(p.Message))
				}
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for name, yaml := range map[string]string{
		"a slug that YAML 1.1 took for false": define("app", "app: { slug: no, title: no }"),
		"an alias":                            define("params", "params: [{ name: a, title: &t Title, type: string }, { name: b, title: *t, type: string }]"),
		"a param as a label":                  define("params", "params: [{ name: tenant, title: T, type: string, required: true, pattern: '^[a-z0-9-]+$' }]", "hosts", "hosts: ['{{params.tenant}}.example.com']", "api", "api: { base_url: 'https://{{params.tenant}}.example.com' }"),
		"a host within a pattern":             define("hosts", "hosts: ['*.example.com']"),
		"private where it is asked for":       define("network", "network: { private: ask, plain_http: true }", "hosts", "hosts: ['127.0.0.1:8200']", "api", "api: { base_url: 'http://127.0.0.1:8200' }"),
		"an address at a declared host":       define("hosts", "hosts: [api.example.com, files.example.com]", "tools", tool("a", "a: {type: string}", "method: GET, url: 'https://files.example.com/x/{{input.a}}'")),
		"2000 tools":                          define("tools", manyTools(2000)),
		"a schema with its own $defs":         define("tools", "tools: [{ name: a, description: aaaaaaaaaaaa, input: { type: object, additionalProperties: false, properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { type: string } } }, request: { method: GET, path: /a } }]"),
	} {
		if _, err := apps.Parse("sample.yaml", []byte(yaml)); err != nil {
			t.Errorf("%s: %s", name, problems(err))
		}
	}
}

func manyTools(n int) string {
	var b strings.Builder
	b.WriteString("tools:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - { name: t%d, description: aaaaaaaaaaaa, input: { type: object, additionalProperties: false }, request: { method: GET, path: /a } }\n", i)
	}
	return b.String()
}

// Somebody who corrects a file wants to know everything at once, in its order.
func TestParseListsAllProblems(t *testing.T) {
	_, err := apps.Parse("sample.yaml", []byte(define(
		"app", "app: { slug: Sample, title: S, titel: S }",
		"hosts", "hosts: [127.0.0.1]",
		"auth", "auth: [{ id: a, type: api_key, title: A, apply: { header: { Host: '{{secret.other}}' } } }]",
		"extra", "sql: {}",
		"tools", tool("", "", "method: GET, path: '/{{input.x}}'"))))
	got := problems(err)
	last := -1
	for _, want := range []string{"slug must match", `unknown field "titel"`, "private network", "set by the HTTP client", `the secret "other"`, `the input "x"`, "sql is not supported"} {
		i := strings.Index(got, want)
		if i < last {
			t.Errorf("%q is missing or out of order", want)
		}
		last = i
	}
	if t.Failed() {
		t.Log(got)
	}
}

// A definition may hold a secret by mistake; what is said of it must not.
func TestParseRepeatsNoSecret(t *testing.T) {
	const secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dc4eC39HqLyjWDarjtT1zdp7dc4eC39HqLyjWDarjtT1zdp7dc"
	for name, yaml := range map[string]string{
		"broken yaml":   "token: " + secret + "\n\tx: [",
		"unclosed":      "a: \"" + secret,
		"type":          define("limits", "limits: { concurrency: "+secret+" }"),
		"header value":  define("api", "api: { base_url: 'https://api.example.com', headers: { Authorization: 'Bearer "+secret+"' } }"),
		"user in a url": define("api", "api: { base_url: 'https://"+secret+"@api.example.com' }"),
	} {
		_, err := apps.Parse("sample.yaml", []byte(yaml))
		if err == nil {
			t.Errorf("%s is taken", name)
		} else if strings.Contains(problems(err)+err.Error(), secret[:20]) {
			t.Errorf("%s: repeated in %s", name, problems(err))
		}
	}
}

func TestParseIsDeterministic(t *testing.T) {
	src := []byte(define("tools", manyTools(20)))
	a, _ := apps.Parse("a.yaml", src)
	b, _ := apps.Parse("b.yaml", src)
	if a.Digest != b.Digest || string(a.Tools[3].Input) != string(b.Tools[3].Input) {
		t.Error("two readings of one source differ")
	}
}

func FuzzParse(f *testing.F) {
	for _, tc := range refused {
		if len(tc.yaml) < 4096 {
			f.Add([]byte(tc.yaml))
		}
	}
	for _, name := range []string{"notes", "github", "http"} {
		src, err := os.ReadFile("../catalog/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		app, err := apps.Parse("f.yaml", src)
		if err != nil {
			if !errors.Is(err, fault.InvalidInput) {
				t.Fatalf("%v", err)
			}
			return
		}
		// What was accepted keeps its promises: no host but a declared one.
		params := map[string]any{}
		for _, p := range app.Params {
			if p.Example != nil {
				params[p.Name] = p.Example
			}
		}
		if s, err := app.Site(params); err == nil && !s.Allows(s.Base) {
			t.Fatalf("the base %s is not allowed by its own site", s.Base)
		}
		for _, tl := range app.Tools {
			if _, err := tl.Check([]byte(`{}`)); err != nil && !errors.Is(err, fault.InvalidInput) {
				t.Fatal(err)
			}
		}
	})
}
