package credentials

import (
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Scheme puts secrets on requests. It holds configuration only: what belongs
// to one request lives and dies with that request.
//
// A scheme that needs more than its own secrets has a further ability in an
// interface of one method, such as [Deriver].
type Scheme interface {
	// Type returns the name that definitions know the scheme by, such as "bearer".
	Type() string
	// Fields returns what an administrator enters: the definition's own fields, or
	// the scheme's usual ones where a definition names none.
	Fields(auth *apps.Auth) []apps.Field
	// Authorize puts the secrets on req. base is the address the app's requests
	// begin with. Doing it twice does the same as doing it once, because a request
	// is authorised again when it is sent again. Its error holds no secret.
	Authorize(auth *apps.Auth, look template.Lookup, req *http.Request, base *url.URL) error
}

// A Deriver is a Scheme that sends values made from its secrets, which an app
// might echo. They are scrubbed from answers as the secrets are.
type Deriver interface {
	Derived(auth *apps.Auth, look template.Lookup) []string
}

// scheme returns the scheme that applies auth.
func (b *Broker) scheme(auth *apps.Auth) (Scheme, error) {
	for _, s := range b.Schemes {
		if s.Type() == auth.Type {
			return s, nil
		}
	}
	return nil, fault.New(fault.InvalidInput, "the authentication type %q is not supported by this version", auth.Type)
}

// Fields returns what an administrator enters for auth.
func (b *Broker) Fields(auth *apps.Auth) ([]apps.Field, error) {
	s, err := b.scheme(auth)
	if err != nil {
		return nil, err
	}
	return s.Fields(auth), nil
}

// CheckSecrets checks what was entered for auth against its fields, and finds
// every fault at once: names that are unknown, required ones that are missing
// and values that do not fit. It is an InvalidInput fault in which no message
// holds a value.
func (b *Broker) CheckSecrets(auth *apps.Auth, given Secrets) error {
	return b.checkSecrets(auth, given, false)
}

// CheckChanged is CheckSecrets for what is given to Merge, where a name that is
// absent keeps the value it has.
func (b *Broker) CheckChanged(auth *apps.Auth, given Secrets) error {
	return b.checkSecrets(auth, given, true)
}

func (b *Broker) checkSecrets(auth *apps.Auth, given Secrets, keep bool) error {
	fields, err := b.Fields(auth)
	if err != nil {
		return err
	}
	checked := *auth
	checked.Fields = fields // the scheme's own where the definition names none
	var problems []fault.Problem
	add := func(field, text string) {
		problems = append(problems, fault.Problem{Path: "/fields/" + field, Message: text})
	}
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
		value, present := given[f.Name]
		switch {
		case f.Required && value.IsZero() && (present || !keep):
			add(f.Name, "is required")
		case !value.IsZero():
			if err := checked.Check(f.Name, value.reveal()); err != nil {
				add(f.Name, why(err))
			}
		}
	}
	for _, name := range sortedNames(given) {
		if !known[name] {
			add(name, "is no field of this authentication")
		}
	}
	if len(problems) == 0 {
		return nil
	}
	e := fault.New(fault.InvalidInput, "the credential does not fit the authentication %q", auth.ID)
	e.Problems = problems
	return e
}

// why returns what is wrong with a value, without the field's title before it
// where that can be had.
func why(err error) string {
	e := fault.From(err)
	if len(e.Problems) > 0 {
		return e.Problems[0].Message
	}
	return e.Msg
}
