package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// pages sends the request for page after page, as many as the definition
// allows, and returns the items of all of them as one list. more tells that the
// app has further pages.
func pages(ctx context.Context, up *connections.Upstream, tool *apps.Tool, first *http.Request) (content any, more bool, err error) {
	p := tool.Paginate
	req, err := sized(first, p)
	if err != nil {
		return nil, false, err
	}
	items := []any{}
	for page := 1; ; page++ {
		ans, err := up.Do(ctx, req, connections.Read)
		if err != nil {
			return nil, false, err
		}
		doc := document(ans)
		found, isList := itemsOf(doc, tool)
		if !isList { // not a list at all: there is nothing to go through
			return shape(doc, tool.Output), false, nil
		}
		next, err := following(ctx, req, p, ans, doc, len(found), page)
		if err != nil {
			return nil, false, err
		}
		kept, _ := shape(found, apps.Output{Pick: tool.Output.Pick, Drop: tool.Output.Drop}).([]any)
		items = append(items, kept...)
		if next == nil || page >= max(p.MaxPages, 1) {
			return items, next != nil, nil
		}
		req = next
	}
}

// itemsOf returns the list that a page holds.
func itemsOf(doc any, tool *apps.Tool) ([]any, bool) {
	path := tool.Paginate.Items
	if path == nil {
		path = tool.Output.Root
	}
	if path != nil {
		part, ok := path.Find(doc)
		if !ok || part == nil {
			return []any{}, ok
		}
		doc = part
	}
	list, ok := doc.([]any)
	return list, ok
}

// following returns the request for the next page, or nil when this one was the
// last.
func following(ctx context.Context, req *http.Request, p *apps.Paginate, ans *apps.Answer, doc any, found, page int) (*http.Request, error) {
	if p.More != nil {
		if more, ok := p.More.Find(doc); ok && more != true {
			return nil, nil // the app says that this was the last
		}
	}
	switch p.Kind {
	case "cursor":
		return sendCursor(req, p, doc)
	case "offset":
		return sendNumber(req, p, found, p.Start+page*p.Size)
	case "page":
		return sendNumber(req, p, found, p.Start+page)
	case "link_header":
		return follow(ctx, req, linkHeader(ans.Header, p.Rel))
	case "link_body":
		link, _ := p.Next.Find(doc)
		text, _ := link.(string)
		return follow(ctx, req, text)
	}
	return nil, nil
}

func sendCursor(req *http.Request, p *apps.Paginate, doc any) (*http.Request, error) {
	cursor, ok := p.Next.Find(doc)
	if !ok || cursor == nil || cursor == "" || cursor == false {
		return nil, nil
	}
	return with(req, p.In, p.Send, fmt.Sprint(cursor))
}

// sendNumber asks for the page that begins at, or has, number n; a page that is
// not full was the last.
func sendNumber(req *http.Request, p *apps.Paginate, found, n int) (*http.Request, error) {
	if found == 0 || found < p.Size {
		return nil, nil
	}
	return with(req, p.In, p.Send, n)
}

// follow asks for the page that a link of the app names. The link may lead
// nowhere but to where the request went.
func follow(ctx context.Context, req *http.Request, link string) (*http.Request, error) {
	if link == "" {
		return nil, nil
	}
	u, err := req.URL.Parse(link)
	if err != nil || u.Scheme != req.URL.Scheme || u.Host != req.URL.Host || u.User != nil {
		return nil, fault.New(fault.UpstreamFailed, "the app names a next page on another host, which is not followed")
	}
	next := req.Clone(ctx)
	next.URL = u
	return next, nil
}

// sized asks for the definition's page size, unless the arguments did.
func sized(req *http.Request, p *apps.Paginate) (*http.Request, error) {
	if p.SizeParam == "" || p.Size <= 0 || req.URL.Query().Has(p.SizeParam) {
		return req, nil
	}
	return with(req, p.In, p.SizeParam, p.Size)
}

// with returns the request with one parameter set, in its query or its JSON
// body.
func with(req *http.Request, in, name string, value any) (*http.Request, error) {
	next := req.Clone(req.Context())
	if in != "body" {
		query := next.URL.Query()
		query.Set(name, fmt.Sprint(value))
		next.URL.RawQuery = query.Encode()
		return next, nil
	}
	members := map[string]any{}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the request's body cannot be read again")
		}
		d := json.NewDecoder(body)
		d.UseNumber()
		if err := d.Decode(&members); err != nil && err != io.EOF {
			return nil, fault.Wrap(fault.Internal, err, "the page cannot be named in a body that is no JSON object")
		}
	}
	members[name] = value
	text, err := json.Marshal(members)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the request's body cannot be written")
	}
	setBody(next, text)
	return next, nil
}

func setBody(req *http.Request, text []byte) {
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength = int64(len(text))
}

// linkHeader returns the target of the link with the relation (RFC 8288).
func linkHeader(h http.Header, rel string) string {
	if rel == "" {
		rel = "next"
	}
	for _, line := range h.Values("Link") {
		for line != "" {
			target, rest, ok := cutLink(line)
			if !ok {
				break
			}
			params, after := cutParams(rest)
			if hasRel(params, rel) {
				return target
			}
			line = after
		}
	}
	return ""
}

// cutLink cuts "<target>" off the front of a Link header's value.
func cutLink(s string) (target, rest string, ok bool) {
	_, s, ok = strings.Cut(s, "<")
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, ">")
}

// cutParams cuts a link's parameters off what follows it. A comma in quotes
// ends nothing.
func cutParams(s string) (params, after string) {
	quoted := false
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func hasRel(params, rel string) bool {
	for _, param := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		if strings.EqualFold(strings.TrimSpace(name), "rel") &&
			slices.ContainsFunc(strings.Fields(value), func(s string) bool { return strings.EqualFold(s, rel) }) {
			return true
		}
	}
	return false
}
