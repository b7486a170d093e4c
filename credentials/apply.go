package credentials

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// place puts everything a definition's apply names onto a request: the part that
// all schemes share. Whatever the request holds already under a name of the
// credential's is replaced, so a caller cannot put its own in front.
func place(to apps.Apply, look template.Lookup, req *http.Request, base *url.URL) error {
	if err := placeHeaders(to.Header, look, req); err != nil {
		return err
	}
	if err := placeQuery(to.Query, look, req); err != nil {
		return err
	}
	if err := placeCookies(to.Cookie, look, req); err != nil {
		return err
	}
	if err := placePrefix(to.PathPrefix, look, req, base); err != nil {
		return err
	}
	return placeBody(to.Body, look, req)
}

// render renders a template; ok is false when a value it names is absent, as an
// optional secret may be. Causes are left out of errors, for they come from
// where the secret is.
func render(t *template.Template, pos template.Position, look template.Lookup, where string) (text string, ok bool, err error) {
	text, err = t.Render(pos, look)
	switch {
	case errors.Is(err, template.ErrAbsent):
		return "", false, nil
	case err != nil:
		return "", false, fault.New(fault.InvalidInput, "the credential holds a character that %s cannot carry", where).
			WithFix("Enter the credential again, without spaces, line breaks or other characters around it.")
	}
	return text, true, nil
}

// inOrder returns the names of an apply's map in a fixed order, so that requests
// are the same each time.
func inOrder(m map[string]*template.Template) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

func placeHeaders(m map[string]*template.Template, look template.Lookup, req *http.Request) error {
	for name, t := range m {
		v, ok, err := render(t, template.HeaderValue, look, "a header")
		if err != nil {
			return err
		}
		if ok {
			req.Header.Set(name, v)
		}
	}
	return nil
}

func placeQuery(m map[string]*template.Template, look template.Lookup, req *http.Request) error {
	for _, name := range inOrder(m) {
		v, ok, err := render(m[name], template.QueryValue, look, "an address")
		if err != nil {
			return err
		}
		if ok {
			req.URL.RawQuery = setQuery(req.URL.RawQuery, name, v)
		}
	}
	return nil
}

// setQuery returns the raw query with name set to a value that is encoded
// already. Other parameters stay as they are, byte by byte: some apps sign or
// order them.
func setQuery(raw, name, value string) string {
	kept := make([]string, 0, strings.Count(raw, "&")+2)
	for pair := range strings.SplitSeq(raw, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); pair != "" && (err != nil || plain != name) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(append(kept, url.QueryEscape(name)+"="+value), "&")
}

func placeCookies(m map[string]*template.Template, look template.Lookup, req *http.Request) error {
	for _, name := range inOrder(m) {
		v, ok, err := render(m[name], template.HeaderValue, look, "a cookie")
		if err != nil {
			return err
		}
		// RFC 6265 cookie-octet; net/http would silently drop the others.
		if strings.ContainsFunc(v, notCookieOctet) {
			return fault.New(fault.InvalidInput, "the credential holds a character that a cookie cannot carry")
		}
		if ok {
			setCookie(req, name, v)
		}
	}
	return nil
}

func notCookieOctet(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`",;\`, r)
}

func setCookie(req *http.Request, name, value string) {
	others := req.Cookies()
	req.Header.Del("Cookie")
	for _, c := range others {
		if c.Name != name {
			req.AddCookie(c)
		}
	}
	req.AddCookie(&http.Cookie{Name: name, Value: value})
}

// placePrefix puts a path prefix between the path of base and the rest, as in
// /bot<token>/getMe. A path that has it already stays: where an app redirects
// to itself, its Location has it.
func placePrefix(t *template.Template, look template.Lookup, req *http.Request, base *url.URL) error {
	if t == nil {
		return nil
	}
	prefix, ok, err := render(t, template.PathPrefix, look, "a path")
	if err != nil || !ok {
		return err
	}
	root := strings.TrimSuffix(base.EscapedPath(), "/")
	rest, found := strings.CutPrefix(req.URL.EscapedPath(), root)
	if !found || rest != "" && rest[0] != '/' {
		return fault.New(fault.UpstreamFailed, "the request leaves the path that the credential belongs to")
	}
	prefix = "/" + strings.Trim(prefix, "/")
	if rest == prefix || strings.HasPrefix(rest, prefix+"/") {
		return nil
	}
	path, err := url.PathUnescape(root + prefix + rest)
	if err != nil {
		return fault.New(fault.Internal, "the path of the request is not valid")
	}
	req.URL.Path, req.URL.RawPath = path, root+prefix+rest
	return nil
}
