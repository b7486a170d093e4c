package apps

import (
	"strings"

	"github.com/wayleave/wayleave/internal/template"
)

// request compiles the request at p; allow is asked about its placeholders.
func (c *compiler) request(p place, allow func(root, name string) error) *Request {
	n := c.root.at(p[:len(p)-1]).get("request")
	if n == nil || n.kind != object {
		return nil // reported by the schema
	}
	r := &Request{
		Method: plainText(n.get("method")), format: format(plainText(n.get("format"))),
		style: arrayStyle(plainText(n.get("array_style"))), reserved: c.reserved,
	}
	if r.style == "" {
		r.style = repeat
	}
	c.requestAddress(r, n, p, allow)
	c.requestQuery(r, n, p, allow)
	r.header = c.namedTemplates(p.to("headers"), allow, func(at place, name string) {
		c.checkHeader(at, name)
		if strings.EqualFold(name, "Content-Type") && strings.Contains(plainText(n.get("headers").get(name)), "{{") {
			c.fail(at, "the Content-Type is the definition's to say, not an input's")
		}
	})
	c.requestBody(r, n, p, allow)
	return r
}

func (c *compiler) requestAddress(r *Request, n *node, p place, allow func(root, name string) error) {
	if u := n.get("url"); u != nil && u.kind == text {
		r.address = c.compileBase(u.text, p.to("url"), allow)
		if r.address != nil {
			c.needParams(r.address, p.to("url"))
		}
	}
	path := n.get("path")
	if path == nil || path.kind != text {
		if r.address == nil && n.get("url") == nil {
			c.fail(p, "a request has a path, or a url")
		}
		return
	}
	t, err := compilePath(path.text, allow)
	if err != nil {
		c.fail(p.to("path"), "the path cannot be used: %s", reason(err))
		return
	}
	for _, ref := range t.Refs() {
		if param := c.params[ref.Name]; ref.Root == "params" && param != nil && !param.Required && param.Default == nil {
			c.fail(p.to("path"), "the param %q is part of the path, so it must be required or have a default", ref.Name)
		}
	}
	r.path = t
}

func (c *compiler) requestQuery(r *Request, n *node, p place, allow func(root, name string) error) {
	q := n.get("query")
	if q == nil {
		return
	}
	p = p.to("query")
	if q.kind == text {
		t, err := template.Parse(q.text, allow)
		if err != nil {
			c.fail(p, "in the template, %s", err)
			return
		}
		if ref, sole := t.Sole(); !sole || ref.Root != "input" {
			c.fail(p, "a query is an object of parameters, or one placeholder such as {{input.query}} for an object")
		}
		r.query = &value{kind: text, text: t}
		return
	}
	for _, m := range q.members {
		c.checkQueryName(p.to(m.key), m.key)
	}
	r.query = c.value(q, p, allow)
}

func (c *compiler) requestBody(r *Request, n *node, p place, allow func(root, name string) error) {
	b := n.get("body")
	if b == nil {
		if r.format == "" {
			r.format = formatNone
		}
		if r.format == formatGraphQL {
			c.fail(p, "a graphql request has a body with a query")
		}
		return
	}
	p = p.to("body")
	if r.format == "" {
		r.format = formatJSON
	}
	switch {
	case r.Method == "GET" || r.Method == "HEAD":
		c.fail(p, "a %s has no body", r.Method)
	case r.format == formatNone:
		c.fail(p, "format none has no body")
	case r.format == formatText && b.kind != text:
		c.fail(p, "format text has a text as its body")
	case r.format == formatGraphQL && b.get("query") == nil:
		c.fail(p, "a graphql body is an object with a query, and variables if it has any")
	case r.format == formatGraphQL && strings.Contains(plainText(b.get("query")), "{{"):
		c.fail(p.to("query"), "a graphql query is literal; pass inputs as variables, so that none can change the query")
	case (r.format == formatForm || r.format == formatMultipart) && b.kind != object && b.kind != text:
		c.fail(p, "the body of a form is an object of fields")
	}
	for _, m := range b.members {
		if c.reserved.body[strings.ToLower(m.key)] {
			c.fail(p.to(m.key), "the body member %s carries the credential; only auth.…apply can set it", m.key)
		}
	}
	r.body = c.value(b, p, allow)
}

// The places that a page's parameters are sent in.
const (
	inQuery = "query"
	inBody  = "body"
)

func (c *compiler) compilePaginate(t *Tool, d toolDef, p place) {
	if d.Paginate == nil {
		return
	}
	def, ok := c.def.Pagination[d.Paginate.Use]
	if !ok {
		c.fail(p.to("use"), "there is no %q under pagination", cut(d.Paginate.Use))
		return
	}
	t.Paginate = c.paginator(def, at("pagination", d.Paginate.Use))
	t.Paginate.MaxPages = max(d.Paginate.MaxPages, 1)
	if t.Paginate.In == inBody && t.Request != nil && (t.Request.format != formatJSON || t.Request.body == nil) {
		c.fail(p, "a page that is sent in the body needs a request with a json body")
	}
	if !t.Annotations.ReadOnly {
		c.fail(p, "only a read_only tool goes through pages")
	}
}

func (c *compiler) paginator(d paginatorDef, p place) *Paginate {
	out := &Paginate{
		Kind: d.Kind, Send: d.Send, In: d.In, SizeParam: d.SizeParam, Size: d.Size, Start: d.Start, Rel: d.Rel,
		Next: c.path(d.Next, p.to("next")), More: c.path(d.More, p.to("more")), Items: c.path(d.Items, p.to("items")),
	}
	if out.In == "" {
		out.In = inQuery
	}
	if d.Kind == "page" && c.root.at(p).get("start") == nil {
		out.Start = 1
	}
	switch d.Kind {
	case "cursor":
		c.need(p, d.Kind, "send", d.Send != "", "next", d.Next != "")
	case "offset", "page":
		c.need(p, d.Kind, "send", d.Send != "", "items", d.Items != "")
	case "link_body":
		c.need(p, d.Kind, "next", d.Next != "")
	}
	if (d.SizeParam == "") != (d.Size == 0) {
		c.fail(p, "size_param and size belong together")
	}
	for _, name := range []string{d.Send, d.SizeParam} {
		if name != "" && (c.reserved.query[strings.ToLower(name)] || c.reserved.body[strings.ToLower(name)]) {
			c.fail(p, "%s carries the credential and cannot carry a page", name)
		}
	}
	return out
}

// need notes what a kind of pagination lacks; pairs are name and whether given.
func (c *compiler) need(p place, kind string, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == false {
			c.fail(p, "pagination of kind %s needs %s", kind, pairs[i])
		}
	}
}

func (c *compiler) compileOutput(t *Tool, d toolDef, p place) {
	t.Output = Output{
		Root: c.path(d.Output.Root, p.to("root")), Pick: d.Output.Pick, Drop: d.Output.Drop, MaxBytes: d.Output.MaxBytes,
	}
	for what, names := range map[string][]string{"pick": d.Output.Pick, "drop": d.Output.Drop} {
		for i, name := range names {
			if strings.HasPrefix(name, "$") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
				c.fail(p.to(what, i), "%s names members, dotted, such as user.login; not a path", what)
			}
		}
	}
}
