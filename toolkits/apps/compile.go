package apps

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/template"
)

// compile builds the App, in the order in which parts need one another.
func (c *compiler) compile() {
	d := &c.def
	c.app = &App{
		Slug: d.App.Slug, Title: d.App.Title, Summary: d.App.Summary, Categories: d.App.Categories,
		DocsURL: d.App.DocsURL, SetupURL: d.App.SetupURL, Revision: max(d.App.Revision, 1),
		byName: map[string]*Tool{},
	}
	c.checkWords(c.root, nil)
	c.compileParams()
	c.compileNetwork()
	c.compileAuth()
	c.compileAPI()
	c.compileErrors()
	c.compileLimits()
	c.compileTest()
	c.compileTools()
}

// checkWords refuses invisible characters in everything that people and models
// read: nobody can review an instruction that nobody sees.
func (c *compiler) checkWords(n *node, p place) {
	switch n.kind {
	case object:
		for _, m := range n.members {
			if r, found := hidden(m.key); found {
				c.fail(p, "a name holds the invisible character U+%04X", r)
			}
			c.checkWords(m.value, append(p[:len(p):len(p)], m.key))
		}
	case array:
		for i, item := range n.items {
			c.checkWords(item, p.to(i))
		}
	case text:
		if r, found := hidden(n.text); found {
			c.fail(p, "the text holds the invisible character U+%04X; write what is meant in plain characters", r)
		}
	}
}

func (c *compiler) compileParams() {
	c.app.Params = c.def.Params
	c.params = make(paramSet, len(c.app.Params))
	for i := range c.app.Params {
		p := &c.app.Params[i]
		if c.params[p.Name] != nil {
			c.fail(at("params", i, "name"), "the param %q is declared twice", p.Name)
		}
		c.params[p.Name] = p
		c.compileParam(p, at("params", i))
	}
}

func (c *compiler) compileParam(p *Param, where place) {
	if p.Type != "string" && (p.Pattern != "" || p.Format != "") {
		c.fail(where, "only a param of type string has a pattern or a format")
	}
	if p.Pattern != "" {
		var err error
		p.pattern, err = compilePattern(p.Pattern)
		c.check(where.to("pattern"), err)
	}
	if p.Format == "http_url" && !c.def.Network.PlainHTTP {
		c.fail(where.to("format"), "http_url needs network: { plain_http: true }; use https_url")
	}
	for i, v := range p.Enum {
		typed, err := p.typed(v)
		c.check(where.to("enum", i), err)
		p.Enum[i] = typed
	}
	for name, v := range map[string]*any{"default": &p.Default, "example": &p.Example} {
		if *v == nil {
			continue
		}
		whole := *p
		whole.Default = nil
		checked, err := whole.check(*v)
		if err != nil {
			c.fail(where.to(name), "the %s of %s %s", name, p.Name, reason(err))
		}
		*v = checked
	}
}

func (c *compiler) compileNetwork() {
	n := c.def.Network
	redirects := n.Redirects
	if redirects == "" {
		redirects = "none"
	}
	c.app.site = Site{
		PlainHTTP: n.PlainHTTP, AskPrivate: n.Private == "ask", Redirects: redirects,
		Timeout: time.Duration(c.def.API.Timeout), MaxBytes: c.def.API.MaxResponseBytes,
	}
	for i, src := range c.def.Hosts {
		h, err := compileHost(src, c.params)
		if err == nil {
			err = checkStatic(h, c.app.site.AskPrivate)
		}
		if err != nil {
			c.fail(at("hosts", i), "the host %q: %s", cut(src), reason(err))
			continue
		}
		c.app.rules.hosts = append(c.app.rules.hosts, h)
	}
}

// checkStatic checks where a literal host leads.
func checkStatic(h hostPattern, askPrivate bool) error {
	if h.whole != "" {
		return nil
	}
	name, static := h.name.Static()
	if !static {
		return nil
	}
	host, err := ParseHost(name)
	if err != nil {
		return err
	}
	return checkReach(strings.TrimPrefix(host.Name, "*."), askPrivate)
}

func (c *compiler) compileAPI() {
	c.app.rules.base = c.compileBase(c.def.API.BaseURL, at("api", "base_url"), c.params.allow)
	c.app.rules.header = c.namedTemplates(at("api", "headers"), c.params.allow, c.checkHeader)
	c.app.rules.query = c.namedTemplates(at("api", "query"), c.params.allow, c.checkQueryName)
	if b := c.app.rules.base; b != nil {
		c.needParams(b, at("api", "base_url"))
	}
}

// compileBase compiles an absolute address and checks that its host is declared.
func (c *compiler) compileBase(src string, p place, allow func(root, name string) error) *address {
	if src == "" {
		return nil // reported by the schema
	}
	a, err := compileAddress(src, c.params, allow)
	if err == nil {
		err = checkStatic(a.host, c.app.site.AskPrivate)
	}
	if err == nil && a.scheme == "http" && !c.app.site.PlainHTTP {
		err = fmt.Errorf("http sends the credential in the clear; write https, or declare network: { plain_http: true }")
	}
	if err == nil && !c.covered(a.host) {
		err = fmt.Errorf("its host %s is not declared under hosts, so no credential would be sent to it", a.host.src)
	}
	if err != nil {
		c.fail(p, "the address cannot be used: %s", reason(err))
		return nil
	}
	return a
}

// covered reports whether a host of an address is one of the declared: the same
// text, or within the domain of a "*." pattern.
func (c *compiler) covered(h hostPattern) bool {
	src := strings.ReplaceAll(strings.ToLower(h.src), " ", "")
	for _, d := range c.app.rules.hosts {
		declared := strings.ReplaceAll(strings.ToLower(d.src), " ", "")
		if src == declared {
			return true
		}
		if suffix, wild := strings.CutPrefix(declared, "*"); wild && strings.HasSuffix(src, suffix) && len(src) > len(suffix) {
			return true
		}
	}
	return false
}

// needParams refuses an address that has a hole when a param is left empty.
func (c *compiler) needParams(a *address, where place) {
	var names []string
	if a.host.whole != "" {
		names = append(names, a.host.whole)
	}
	for _, t := range []*template.Template{a.host.name, a.host.port, a.path} {
		if t == nil {
			continue
		}
		for _, r := range t.Refs() {
			if r.Root == "params" {
				names = append(names, r.Name)
			}
		}
	}
	for _, name := range names {
		if p := c.params[name]; p != nil && !p.Required && p.Default == nil {
			c.fail(where, "the param %q is part of the address, so it must be required or have a default", name)
		}
	}
}

// namedTemplates compiles an object of templates, each name checked by ok.
func (c *compiler) namedTemplates(p place, allow func(root, name string) error, ok func(place, string)) []namedTemplate {
	n := c.root.at(p)
	if n != c.root.at(p[:len(p)-1]).get(p[len(p)-1]) {
		return nil // not given
	}
	var out []namedTemplate
	for _, m := range n.members {
		if ok != nil {
			ok(p.to(m.key), m.key)
		}
		if t := c.template(p.to(m.key), allow); t != nil {
			out = append(out, namedTemplate{m.key, t})
		}
	}
	return out
}

// template compiles the text at p; nil if there is none or it is wrong.
func (c *compiler) template(p place, allow func(root, name string) error) *template.Template {
	n := c.root.at(p[:len(p)-1]).get(p[len(p)-1])
	if n == nil || n.kind != text {
		return nil
	}
	t, err := template.Parse(n.text, allow)
	if err != nil {
		c.fail(p, "in the template, %s", err)
		return nil
	}
	for _, r := range t.Refs() {
		if r.Multi && p[len(p)-1] != "path_prefix" {
			c.fail(p, "{{%s...}} can only stand in a path", r)
		}
	}
	return t
}

// value compiles the query or body n.
func (c *compiler) value(n *node, p place, allow func(root, name string) error) *value {
	v := &value{kind: n.kind}
	switch n.kind {
	case text:
		t, err := template.Parse(n.text, allow)
		if err != nil {
			c.fail(p, "in the template, %s", err)
			return nil
		}
		for _, r := range t.Refs() {
			if r.Multi {
				c.fail(p, "{{%s...}} can only stand in a path", r)
			}
		}
		v.text = t
	case object:
		for _, m := range n.members {
			if mv := c.value(m.value, p.to(m.key), allow); mv != nil {
				v.members = append(v.members, namedValue{m.key, mv})
			}
		}
	case array:
		for i, item := range n.items {
			if iv := c.value(item, p.to(i), allow); iv != nil {
				v.items = append(v.items, iv)
			}
		}
	default:
		v.literal = n.value()
	}
	return v
}

// textOf returns a short text of any scalar, for statuses.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
