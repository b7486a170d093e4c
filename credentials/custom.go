package credentials

import (
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// Custom is for apps that want several secrets in several places. Everything is
// the definition's to say, HTTP Basic included.
type Custom struct{}

// Type returns "custom".
func (Custom) Type() string { return "custom" }

// Fields returns the definition's fields.
func (Custom) Fields(auth *apps.Auth) []apps.Field { return auth.Fields }

// Authorize puts every secret where the definition says.
func (Custom) Authorize(auth *apps.Auth, look template.Lookup, req *http.Request, base *url.URL) error {
	if usesBasic(auth) {
		return Basic{}.Authorize(auth, look, req, base)
	}
	return place(auth.Apply, look, req, base)
}

// Derived returns what HTTP Basic sends, if it is used.
func (Custom) Derived(auth *apps.Auth, look template.Lookup) []string {
	if usesBasic(auth) {
		return Basic{}.Derived(auth, look)
	}
	return nil
}

func usesBasic(auth *apps.Auth) bool {
	return auth.Apply.Username != nil || auth.Apply.Password != nil
}
