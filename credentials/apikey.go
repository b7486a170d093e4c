package credentials

import (
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// APIKey puts a key where the definition says: a header, the query, a cookie, a
// member of the body or the path.
type APIKey struct{}

// Type returns "api_key".
func (APIKey) Type() string { return "api_key" }

// Fields returns the definition's fields, or one named "key".
func (APIKey) Fields(auth *apps.Auth) []apps.Field {
	if len(auth.Fields) > 0 {
		return auth.Fields
	}
	return []apps.Field{{Name: "key", Title: "API key", Sensitive: true, Required: true}}
}

// Authorize puts the key on the request. There is no usual place for one, so a
// definition always names it.
func (APIKey) Authorize(auth *apps.Auth, look template.Lookup, req *http.Request, base *url.URL) error {
	return place(auth.Apply, look, req, base)
}
