package egress

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// follow returns the request that the answer redirects to, without a credential,
// and what to authorise it with. It returns nil if the answer is not a redirect
// to follow and is therefore what the caller gets.
func (j *journey) follow(plain, sent *http.Request, answer *http.Response, hops int) (*http.Request, func(*http.Request) error) {
	to := j.redirect(plain, sent, answer, hops)
	if to == nil {
		return nil, nil
	}
	next := plain.Clone(plain.Context())
	next.URL = to
	if sameOrigin(plain.URL, to) {
		// A request that has left its origin stays without a credential when it
		// is sent back: the other host would choose what is called with it.
		next.Header.Del("Referer")
		return next, j.authorize
	}
	next.Header = http.Header{}
	for _, name := range []string{"Accept", "User-Agent"} {
		if v, ok := plain.Header[name]; ok {
			next.Header[name] = v
		}
	}
	return next, nil
}

// redirect returns where the answer leads, if it may be followed.
func (j *journey) redirect(plain, sent *http.Request, answer *http.Response, hops int) *url.URL {
	if !j.mayFollow(plain) || hasBody(sent) || !isRedirect(answer.StatusCode) || hops >= maxRedirects {
		return nil
	}
	// A credential in the path would be put there twice.
	if plain.URL.EscapedPath() != sent.URL.EscapedPath() {
		return nil
	}
	to, err := sent.URL.Parse(answer.Header.Get("Location"))
	if err != nil || answer.Header.Get("Location") == "" {
		return nil
	}
	to.Fragment, to.RawFragment = "", ""
	if j.guard.wall.checkTarget(to, j.o) != nil {
		return nil
	}
	if sameOrigin(plain.URL, to) {
		return to
	}
	downgrade := plain.URL.Scheme == "https" && to.Scheme == "http"
	if j.o.Redirects == "same_origin" || downgrade || repeats(to, plain, sent) {
		return nil
	}
	return to
}

// mayFollow reports whether a redirect of the request could be followed at all.
func (j *journey) mayFollow(r *http.Request) bool {
	return (j.o.Redirects == "same_origin" || j.o.Redirects == "hosts") &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead) && !hasBody(r)
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

func sameOrigin(a, b *url.URL) bool {
	portA, _ := checkURL(a)
	portB, _ := checkURL(b)
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && portA == portB
}

// repeats reports whether a location holds something that authorising put into
// the headers or the query of the request. Many servers send the query along to
// wherever they redirect; what is in it is meant for them alone.
func repeats(to *url.URL, plain, sent *http.Request) bool {
	var added []string
	for name, values := range sent.Header {
		for _, v := range values {
			if !slices.Contains(plain.Header[name], v) {
				added = append(added, strings.FieldsFunc(v, isSeparator)...)
			}
		}
	}
	if user, password, ok := sent.BasicAuth(); ok {
		added = append(added, user, password) // either may be the secret
	}
	before := plain.URL.Query()
	for name, values := range sent.URL.Query() {
		for _, v := range values {
			if !slices.Contains(before[name], v) {
				added = append(added, v)
			}
		}
	}
	text := to.String()
	plainQuery, _ := url.QueryUnescape(to.RawQuery)
	for _, a := range added {
		if len(a) >= 4 && (strings.Contains(text, a) || strings.Contains(to.Path, a) || strings.Contains(plainQuery, a)) {
			return true
		}
	}
	return false
}

func isSeparator(r rune) bool { return strings.ContainsRune(" ;,=\"", r) }
