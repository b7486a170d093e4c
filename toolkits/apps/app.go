package apps

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
)

// An App is a compiled definition.
type App struct {
	Slug       string
	Title      string
	Summary    string
	Categories []string
	DocsURL    string
	SetupURL   string // where a user makes a key
	Revision   int
	Digest     string // SHA-256 of the definition, in hex
	Params     []Param
	Auth       []*Auth
	Test       *Test // nil: nothing to test, connecting always succeeds
	Tools      []*Tool
	Limits     Limits

	site     Site // what does not depend on params
	rules    siteRules
	failures []errorRule
	byName   map[string]*Tool
}

// A Param is something a connection to the app is asked for that is no secret,
// such as a subdomain.
type Param struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Help     string `json:"help,omitempty"`
	Type     string `json:"type"` // string, integer or boolean
	Required bool   `json:"required,omitempty"`
	Default  any    `json:"default,omitempty"`
	Enum     []any  `json:"enum,omitempty"`
	Pattern  string `json:"pattern,omitempty"`
	Format   string `json:"format,omitempty"` // hostname, host_port, https_url, http_url, uuid, email
	Example  any    `json:"example,omitempty"`
	Prefix   string `json:"prefix,omitempty"` // shown before and after the entry, part of neither
	Suffix   string `json:"suffix,omitempty"`

	pattern *regexp.Regexp
}

// Auth is one way to authenticate to the app.
type Auth struct {
	ID     string // unique in the app, such as "pat"
	Type   string // the credentials.Scheme that applies it, such as "bearer"
	Title  string
	Help   string
	Fields []Field
	Apply  Apply
}

// A Field is a value that the administrator enters for an Auth.
type Field struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Help      string `json:"help,omitempty"`
	Sensitive bool   `json:"sensitive"`
	Required  bool   `json:"required"`
	Multiline bool   `json:"multiline,omitempty"`
	Pattern   string `json:"pattern,omitempty"`
	Example   string `json:"example,omitempty"`

	pattern *regexp.Regexp
}

// Apply says where an Auth puts its secrets. Its templates may name
// {{secret.<field>}} and {{params.<param>}}. Nil maps and templates put nothing.
type Apply struct {
	Header     map[string]*template.Template
	Query      map[string]*template.Template
	Cookie     map[string]*template.Template
	Body       map[string]*template.Template // top-level members of a JSON or form body
	PathPrefix *template.Template            // between the base URL's path and the request's
	Username   *template.Template            // of HTTP basic
	Password   *template.Template
}

// Limits are what the app asks of its callers. Zero values mean no limit.
type Limits struct {
	Concurrency     int           // requests under way at once per connection
	Requests        int           // requests per Per and connection
	Per             time.Duration // 0 when Requests is
	MaxAttempts     int           // sends of one repeatable request, at least 1
	MaxWait         time.Duration // longest wait before a retry
	RetryStatus     []int         // statuses after which a repeatable request is sent again
	RemainingHeader string        // says how many requests are left; empty when none does

	waits []waitHeader
}

// Retries reports whether a repeatable request may be sent again after status.
func (l Limits) Retries(status int) bool { return slices.Contains(l.RetryStatus, status) }

// A Site is where one connection's requests go: the app's addresses with the
// connection's params filled in.
type Site struct {
	Base       *url.URL // http or https, a host, a path without trailing slash
	Hosts      []Host   // every host a credential may be sent to
	PlainHTTP  bool     // http is allowed by the app
	AskPrivate bool     // private addresses may be allowed by the operator
	Redirects  string   // none, same_origin or hosts
	Header     http.Header
	Query      url.Values
	Timeout    time.Duration // per request; 0 means the caller's
	MaxBytes   int64         // largest answer after decompression; 0 means the caller's
	params     map[string]any
}

// A Host is a host that a credential may be sent to: a name or address in lower
// case, or a pattern "*.example.com" that matches one or more labels; and a
// port, 0 for the scheme's own.
type Host struct {
	Name string
	Port int
}

// Values are what the templates of a request may name.
type Values struct {
	Input map[string]any // checked arguments, numbers as json.Number
}

// An Answer is what an app answered, already decompressed, capped and scrubbed.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Host   string // the host that answered

	decoded any
	state   int
}

// A Test is the request that shows whether a connection works.
type Test struct {
	Request *Request
	success *condition // nil: any 2xx
	label   *phrase
	id      *phrase
}

// Identity is whom the app says we are.
type Identity struct{ ID, Label string }

// A Failure is what an answer of the app means, when it is no success.
type Failure struct {
	Kind       fault.Kind
	Class      string        // of the definition's error rules, such as "auth_revoked"
	Message    string        // chosen by the definition, one line, at most 300 characters
	RetryAfter time.Duration // 0 when not said
}

// Annotations say what a tool does to the app. The zero value promises nothing.
type Annotations struct {
	ReadOnly    bool `json:"read_only"`
	Destructive bool `json:"destructive"`
	Idempotent  bool `json:"idempotent"`
	OpenWorld   bool `json:"open_world"`
}

// A Tool is one operation of the app.
type Tool struct {
	Name        string
	Title       string
	Description string
	Annotations Annotations
	Scopes      []string
	Auth        []string        // ids of the Auths that can run it; empty means all
	Input       json.RawMessage // JSON Schema of the arguments, compact, an object with additionalProperties false
	Request     *Request
	Paginate    *Paginate // nil: one page
	Output      Output
	schema      *compiledSchema
}

// Paginate says how the tool's request is repeated for further pages.
type Paginate struct {
	Kind      string // cursor, offset, page, link_header, link_body
	Send      string // the parameter that carries cursor, offset or page
	In        string // query or body
	Next      *Path  // where the next cursor or link is, in the answer
	More      *Path  // whether there is another page, where the app says so
	Items     *Path  // where the items are, to know when a page was the last
	SizeParam string
	Size      int
	Start     int
	Rel       string
	MaxPages  int
}

// Output says what of the answer a caller gets.
type Output struct {
	Root     *Path    // the part of the answer to keep; nil means all
	Pick     []string // members to keep of each item, dotted; empty means all
	Drop     []string // members to leave out, dotted
	MaxBytes int      // of the result as JSON; 0 means the runner's
}
