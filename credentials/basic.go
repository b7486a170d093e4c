package credentials

import (
	"encoding/base64"
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// Basic sends a user name and a password as HTTP Basic (RFC 7617). Many apps
// take an API key as either of the two; a definition says which.
type Basic struct{}

// Type returns "basic".
func (Basic) Type() string { return "basic" }

// Fields returns the definition's fields, or "username" and "password".
func (Basic) Fields(auth *apps.Auth) []apps.Field {
	if len(auth.Fields) > 0 {
		return auth.Fields
	}
	return []apps.Field{
		{Name: "username", Title: "User name", Required: true},
		{Name: "password", Title: "Password", Sensitive: true, Required: true},
	}
}

// Authorize puts user name and password on the request.
func (Basic) Authorize(auth *apps.Auth, look template.Lookup, req *http.Request, base *url.URL) error {
	pair, err := userinfo(auth, look)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Basic "+pair)
	return place(auth.Apply, look, req, base)
}

// Derived returns what follows "Basic ".
func (Basic) Derived(auth *apps.Auth, look template.Lookup) []string {
	pair, err := userinfo(auth, look)
	if err != nil {
		return nil
	}
	return []string{pair}
}

// userinfo returns base64(user ":" password).
func userinfo(auth *apps.Auth, look template.Lookup) (string, error) {
	user, err := part(auth, auth.Apply.Username, look, "username")
	if err != nil {
		return "", err
	}
	// The first colon ends the user name (RFC 7617, section 2).
	for i := range len(user) {
		if user[i] == ':' {
			return "", fault.New(fault.InvalidInput, "the user name holds a colon, which HTTP Basic cannot carry")
		}
	}
	password, err := part(auth, auth.Apply.Password, look, "password")
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), nil
}

// part returns the user name or the password: what the definition's template
// says or, where it has none for either, the secret of that name.
func part(auth *apps.Auth, t *template.Template, look template.Lookup, name string) (string, error) {
	if t != nil {
		text, _, err := render(t, template.Text, look, "HTTP Basic")
		return text, err
	}
	if auth.Apply.Username != nil || auth.Apply.Password != nil {
		return "", nil
	}
	v, _ := look("secret", name)
	text, _ := v.(string)
	return text, nil
}
