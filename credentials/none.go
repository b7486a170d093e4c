package credentials

import (
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// None is for apps that ask for no credential.
type None struct{}

// Type returns "none".
func (None) Type() string { return "none" }

// Fields returns nothing: there is nothing to enter.
func (None) Fields(*apps.Auth) []apps.Field { return nil }

// Authorize leaves the request as it is.
func (None) Authorize(*apps.Auth, template.Lookup, *http.Request, *url.URL) error { return nil }
