package apps

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
)

// maxURL bounds a request's URL; servers refuse longer ones.
const maxURL = 16 << 10

// A Request is a compiled request of a definition.
type Request struct {
	Method string

	address  *address           // nil: the site's base
	path     *template.Template // after the base
	query    *value             // an object, or a template whose value is one
	header   []namedTemplate
	format   format
	body     *value // nil: none
	style    arrayStyle
	reserved reserved
}

// A format is how a body is written.
type format string

const (
	formatNone      format = "none"
	formatJSON      format = "json"
	formatForm      format = "form"
	formatMultipart format = "multipart"
	formatText      format = "text"
	formatGraphQL   format = "graphql" // JSON that must have a query
)

// reserved are the names that the app's credentials are sent under, in lower
// case; no input may choose one.
type reserved struct{ query, body map[string]bool }

// PathTemplate returns the path after the base as the definition writes it; empty
// if the request goes to the base itself.
func (r *Request) PathTemplate() string {
	if r.path == nil {
		return ""
	}
	return r.path.Source()
}

// Host returns the host that the request goes to at a site, which no input can
// change; empty if a param that it needs is missing.
func (r *Request) Host(s *Site) string {
	if r.address == nil {
		return s.Base.Host
	}
	if r.address.scheme == "" { // the whole address is a param
		u, err := r.address.render(s.params, lookup(s.params, nil), template.PathSegment)
		if err != nil {
			return ""
		}
		return u.Host
	}
	h, ok, err := r.address.host.render(s.params)
	if err != nil || !ok {
		return ""
	}
	return h.String()
}

// Build returns the request with params and inputs filled in, encoded for where
// they stand, and the site's headers and query parameters added where the
// request has none of that name. A parameter, header or member whose value is
// absent is left out. Equal values make an equal request, byte for byte, and
// GetBody is set, so that it can be sent again.
//
// The error is an InvalidInput fault naming the input and what is wrong with
// it. The request holds no credential and is not yet checked against the hosts;
// both happen where it is sent.
func (r *Request) Build(ctx context.Context, s *Site, v Values) (*http.Request, error) {
	look := lookup(s.params, v.Input)
	u, err := r.url(s, look)
	if err != nil {
		return nil, err
	}
	body, contentType, err := r.encodeBody(look)
	if err != nil {
		return nil, err
	}
	req, err := newRequest(ctx, r.Method, u, body)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidInput, err, "the request cannot be made")
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, r.setHeader(req.Header, s, look)
}

// lookup gives params and inputs to templates. {{input.a.b}} is member b of a.
func lookup(params, input map[string]any) template.Lookup {
	return func(root, name string) (any, bool) {
		switch root {
		case "params":
			v, ok := params[name]
			return v, ok
		case "input":
			return inputAt(input, name)
		}
		return nil, false
	}
}

func inputAt(in map[string]any, name string) (any, bool) {
	if v, ok := in[name]; ok {
		return v, true
	}
	first, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return nil, false
	}
	inner, ok := in[first].(map[string]any)
	if !ok {
		return nil, false
	}
	return inputAt(inner, rest)
}

// url returns the address with path and query.
func (r *Request) url(s *Site, look template.Lookup) (*url.URL, error) {
	u := *s.Base
	if r.address != nil {
		a, err := r.address.render(s.params, look, template.PathSegment)
		if err != nil {
			return nil, fault.Wrap(fault.InvalidInput, err, "%s", reason(err))
		}
		u = *a
	}
	if r.path != nil {
		p, err := r.path.Render(template.PathSegment, look)
		if err != nil {
			return nil, err
		}
		raw := u.EscapedPath() + p
		plainPath, err := url.PathUnescape(raw)
		if err != nil {
			return nil, fault.Wrap(fault.InvalidInput, err, "the path cannot be encoded")
		}
		u.Path, u.RawPath = plainPath, raw
	}
	query, err := r.encodeQuery(s, look)
	if err != nil {
		return nil, err
	}
	u.RawQuery = query
	if n := len(u.RawPath) + len(u.RawQuery); n > maxURL {
		return nil, fault.New(fault.InvalidInput, "the path and query are %d bytes long together; an address holds at most %d", n, maxURL)
	}
	return &u, nil
}

// encodeQuery returns the request's parameters in the order of the definition,
// and those of the site that it does not have.
func (r *Request) encodeQuery(s *Site, look template.Lookup) (string, error) {
	obj, err := r.resolveQuery(look)
	if err != nil {
		return "", err
	}
	var pairs []pair
	for _, e := range obj {
		pairs = appendPairs(pairs, template.Escape(e.name), e.value, r.style)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Query)) {
		if !obj.has(name) {
			pairs = append(pairs, pair{template.Escape(name), template.Escape(s.Query.Get(name))})
		}
	}
	return joinPairs(pairs), nil
}

func (r *Request) resolveQuery(look template.Lookup) (ordered, error) {
	if r.query == nil {
		return nil, nil
	}
	v, _, err := r.query.resolve(look)
	if err != nil || v == nil {
		return nil, err
	}
	obj := entries(v)
	if !isObject(v) {
		return nil, fault.New(fault.InvalidInput, "the query must be an object of parameters")
	}
	for _, e := range obj {
		if r.reserved.query[strings.ToLower(e.name)] {
			return nil, fault.New(fault.InvalidInput, "the query parameter %q carries the credential and cannot be given", cut(e.name))
		}
	}
	return obj, nil
}

func (o ordered) has(name string) bool {
	return slices.ContainsFunc(o, func(e entry) bool { return e.name == name })
}

// setHeader sets the request's headers and those of the site it does not have.
func (r *Request) setHeader(h http.Header, s *Site, look template.Lookup) error {
	for _, n := range r.header {
		v, err := n.text.Render(template.HeaderValue, look)
		if errors.Is(err, template.ErrAbsent) {
			continue
		}
		if err != nil {
			return err
		}
		h.Set(n.name, v)
	}
	for name, values := range s.Header {
		if h.Get(name) == "" {
			h[name] = slices.Clone(values)
		}
	}
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
	}
	return nil
}
