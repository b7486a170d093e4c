package credentials

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// Bearer sends a token as "Authorization: Bearer …" (RFC 6750, section 2.1), or
// where the definition says.
type Bearer struct{}

// Type returns "bearer".
func (Bearer) Type() string { return "bearer" }

// Fields returns the definition's fields, or one named "token".
func (Bearer) Fields(auth *apps.Auth) []apps.Field {
	if len(auth.Fields) > 0 {
		return auth.Fields
	}
	return []apps.Field{{Name: "token", Title: "Token", Sensitive: true, Required: true}}
}

// Authorize puts the token on the request.
func (Bearer) Authorize(auth *apps.Auth, look template.Lookup, req *http.Request, base *url.URL) error {
	if len(auth.Apply.Header) == 0 {
		token, _ := look("secret", "token")
		text, _ := token.(string)
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fault.New(fault.InvalidInput, "the token holds a character that a header cannot carry").
				WithFix("Enter the token again, without line breaks around it.")
		}
		if text != "" {
			req.Header.Set("Authorization", "Bearer "+text)
		}
	}
	return place(auth.Apply, look, req, base)
}
