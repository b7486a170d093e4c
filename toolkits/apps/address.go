package apps

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/internal/template"
)

// An address is where a request goes, before params and inputs are filled in.
type address struct {
	scheme string             // empty when the whole base is a param
	host   hostPattern        // without a wildcard
	path   *template.Template // after the host, without a slash at the end; may be empty
}

// compileAddress compiles an absolute URL. allow is asked about the placeholders
// of its path.
func compileAddress(src string, params paramSet, allow func(root, name string) error) (*address, error) {
	if t, err := template.Parse(src, params.allow); err == nil {
		if ref, sole := t.Sole(); sole {
			a := &address{host: hostPattern{src: src}}
			if f := params[ref.Name].Format; f != "https_url" && f != "http_url" {
				return nil, fmt.Errorf("a param that is a whole address has format https_url or http_url")
			}
			a.path, _ = template.Parse("", nil)
			return a, a.host.setWhole(params[ref.Name])
		}
	}
	scheme, rest, ok := strings.Cut(src, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return nil, errors.New("an address begins with https:// (or http://, where network: { plain_http: true } allows it)")
	}
	host, path := cutPath(rest)
	if strings.ContainsAny(host, "@?#\\*") || host == "" {
		return nil, errors.New("after https:// comes a host, without user, password or *")
	}
	a := &address{scheme: scheme}
	var err error
	if a.host, err = compileHost(host, params); err != nil {
		return nil, err
	}
	if a.host.isURL {
		return nil, errors.New("a param of format https_url is the whole address, without https:// before it")
	}
	a.path, err = compilePath(strings.TrimRight(path, "/"), allow)
	return a, err
}

// cutPath splits at the first slash that is in no placeholder.
func cutPath(s string) (host, path string) {
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], "{{") {
			if end := strings.Index(s[i:], "}}"); end > 0 {
				i += end + 1
				continue
			}
		}
		if strings.IndexByte("/?#", s[i]) >= 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// compilePath compiles a path; its literal text is what RFC 3986 lets stand in
// a path, so that what is sent is what is written.
func compilePath(src string, allow func(root, name string) error) (*template.Template, error) {
	t, err := template.Parse(src, allow)
	if err != nil {
		return nil, err
	}
	literal := literalText(src)
	switch {
	case strings.ContainsAny(literal, "?#"):
		return nil, errors.New("a path has no query and no fragment; write parameters under query")
	case strings.Contains(src, "//"):
		return nil, errors.New("a path has no empty segments")
	case src != "" && src[0] != '/':
		return nil, errors.New(`a path begins with "/"`)
	}
	for i := 0; i < len(literal); i++ {
		if c := literal[i]; !pathChar(c) {
			return nil, fmt.Errorf("the path holds %q, which must be percent-encoded", string(rune(c)))
		}
	}
	if low := strings.ToLower(literal); strings.Contains(low, "%2e") || strings.Contains(low, "%2f") || strings.Contains(low, "%5c") {
		return nil, errors.New("the path hides a dot or a slash in percent-encoding")
	}
	if _, err := url.PathUnescape(literal); err != nil {
		return nil, errors.New("the path holds a percent sign that encodes nothing")
	}
	probe := func(_, _ string) (any, bool) { return "a", true }
	_, err = t.Render(template.PathSegment, probe)
	return t, err
}

// literalText returns src without its placeholders.
func literalText(src string) string {
	var b strings.Builder
	for {
		i := strings.Index(src, "{{")
		if i < 0 {
			break
		}
		end := strings.Index(src[i:], "}}")
		if end < 0 {
			break
		}
		b.WriteString(src[:i])
		src = src[i+end+2:]
	}
	b.WriteString(src)
	return b.String()
}

// pathChar reports whether c can stand in a path: RFC 3986 pchar, "/" and "%".
func pathChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("-._~!$&'()*+,;=:@/%", c) >= 0
}

// parseBase parses the URL that a param of format https_url or http_url holds.
func parseBase(s string, plainHTTP bool) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, errors.New("must be an address such as https://api.example.com/v1")
	case u.Scheme != "https" && !(u.Scheme == "http" && plainHTTP):
		return nil, errors.New("must begin with https://")
	case u.User != nil:
		return nil, errors.New("must not hold a user name or password; they belong in the credential")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return nil, errors.New("must not hold a query or a fragment")
	}
	h, err := ParseHost(u.Host)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(h.Name, "*") {
		return nil, errors.New("must name one host")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if _, err := compilePath(path, func(root, _ string) error { return fmt.Errorf("no placeholders here, not even {{%s…}}", root) }); err != nil {
		return nil, err
	}
	u.Host = joinHost(h.Name, h.Port)
	u.Path, _ = url.PathUnescape(path)
	u.RawPath = path
	return u, nil
}

// render fills in the params of the host and what look knows of the path.
func (a *address) render(params map[string]any, look template.Lookup, pos template.Position) (*url.URL, error) {
	if a.scheme == "" {
		s, _ := params[a.host.whole].(string)
		u, err := parseBase(s, true)
		if err != nil {
			return nil, fmt.Errorf("the param %s: %w", a.host.whole, err)
		}
		return u, nil
	}
	h, ok, err := a.host.render(params)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("a param of the host %s is missing", a.host.src)
	}
	path, err := a.path.Render(pos, look)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: a.scheme, Host: joinHost(h.Name, h.Port), RawPath: path}
	u.Path, err = url.PathUnescape(path)
	return u, err
}

// paramLookup gives params to templates.
func paramLookup(params map[string]any) template.Lookup {
	return func(root, name string) (any, bool) {
		v, ok := params[name]
		return v, ok && root == "params"
	}
}
