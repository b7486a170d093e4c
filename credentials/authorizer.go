package credentials

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// An Authorizer holds an opened credential for one request, however often it is
// sent, and its answer. It prints as [redacted].
type Authorizer struct {
	scheme  Scheme
	auth    *apps.Auth
	params  map[string]any
	secrets Secrets
	hosts   []string // that the credential was made for, as apps.Host prints them
	prepare sync.Once
	scrub   *scrubber
}

func newAuthorizer(s Scheme, g Grant, c Content) *Authorizer {
	return &Authorizer{scheme: s, auth: g.Auth, params: g.Params, secrets: c.Secrets, hosts: c.Hosts}
}

// Apply puts the credential on a request. base is the address that the app's
// requests begin with.
//
// A host that the credential was not made for is refused with UpstreamFailed,
// before anything is put on the request. Applying again changes nothing.
func (a *Authorizer) Apply(req *http.Request, base *url.URL) error {
	if len(a.secrets) > 0 && !a.allows(req.URL) {
		return fault.New(fault.UpstreamFailed, "the credential may not be sent to %s", req.URL.Host).
			WithFix("It was made for %s. To use another host, enter the credential again for it.", strings.Join(a.hosts, ", "))
	}
	return a.scheme.Authorize(a.auth, a.look, req, base)
}

// allows reports whether the credential was made for a host. Which addresses and
// protocols are acceptable at all is the app's to say, and checked where
// requests are sent.
func (a *Authorizer) allows(u *url.URL) bool {
	if u.User == nil && u.Opaque == "" && slices.Contains(a.hosts, u.Host) {
		return true // written the same way, which needs no parsing
	}
	site := apps.Site{PlainHTTP: true, AskPrivate: true, Hosts: make([]apps.Host, 0, len(a.hosts))}
	for _, name := range a.hosts {
		if h, err := apps.ParseHost(name); err == nil {
			site.Hosts = append(site.Hosts, h)
		}
	}
	return site.Allows(u)
}

// look gives the values that the templates of a definition's apply may name.
func (a *Authorizer) look(root, name string) (any, bool) {
	switch root {
	case "secret":
		s, ok := a.secrets[name]
		return s.reveal(), ok && !s.IsZero()
	case "params":
		v, ok := a.params[name]
		return v, ok
	}
	return nil, false
}

// Scrub replaces every secret in b, in any form that an answer might repeat it
// in, by [redacted]. Without a match it returns b itself and allocates nothing.
//
// Fields that a definition calls not sensitive, such as a user name, stay: they
// are in half of all honest answers. So do values shorter than 4 bytes.
func (a *Authorizer) Scrub(b []byte) []byte {
	if s := a.scrubber(); s != nil {
		return s.bytes(b)
	}
	return b
}

// ScrubHeader does the same to every value of h, in place.
func (a *Authorizer) ScrubHeader(h http.Header) {
	s := a.scrubber()
	if s == nil {
		return
	}
	for _, values := range h {
		for i, v := range values {
			values[i] = s.string(v)
		}
	}
}

// scrubber is made when the first answer comes, for many requests see none.
func (a *Authorizer) scrubber() *scrubber {
	a.prepare.Do(func() { a.scrub = newScrubber(a.sensitive()) })
	return a.scrub
}

// sensitive returns the texts that no answer may repeat.
func (a *Authorizer) sensitive() []string {
	if len(a.secrets) == 0 {
		return nil
	}
	fields := a.scheme.Fields(a.auth)
	texts := make([]string, 0, len(a.secrets)+1)
	for name, s := range a.secrets {
		// What the definition does not know counts as sensitive.
		if !slices.ContainsFunc(fields, func(f apps.Field) bool { return f.Name == name && !f.Sensitive }) {
			texts = append(texts, s.reveal())
		}
	}
	if d, ok := a.scheme.(Deriver); ok {
		texts = append(texts, d.Derived(a.auth, a.look)...)
	}
	return texts
}

// Format writes "[redacted]" for every verb.
func (a *Authorizer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON always fails.
func (a *Authorizer) MarshalJSON() ([]byte, error) { return nil, errNotMarshalled }
