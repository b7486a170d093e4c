package apps

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/template"
)

// defaultFields are what an auth type asks for when a definition names nothing.
var defaultFields = map[string][]Field{
	"api_key": {{Name: "key", Title: "API key", Sensitive: true, Required: true}},
	"bearer":  {{Name: "token", Title: "Token", Sensitive: true, Required: true}},
	"basic": {
		{Name: "username", Title: "User name", Required: true},
		{Name: "password", Title: "Password", Sensitive: true, Required: true},
	},
}

func (c *compiler) compileAuth() {
	c.reserved = reserved{query: map[string]bool{}, body: map[string]bool{}}
	c.secret = map[string]bool{"authorization": true, "proxy-authorization": true, "cookie": true}
	for i, d := range c.def.Auth {
		p := at("auth", i)
		x := &Auth{ID: d.ID, Type: d.Type, Title: d.Title, Help: d.Help}
		if c.app.AuthByID(x.ID) != nil {
			c.fail(p.to("id"), "the auth id %q is used twice", x.ID)
		}
		c.compileFields(x, d.Fields, p.to("fields"))
		c.compileApply(x, p.to("apply"))
		c.checkAuth(x, p, c.root.at(p).get("apply") != nil)
		c.app.Auth = append(c.app.Auth, x)
	}
}

func (c *compiler) compileFields(x *Auth, defs []fieldDef, p place) {
	for i, d := range defs {
		f := d.Field
		f.Sensitive = d.Sensitive == nil || *d.Sensitive
		f.Required = d.Required == nil || *d.Required
		if slices.ContainsFunc(x.Fields, func(o Field) bool { return o.Name == f.Name }) {
			c.fail(p.to(i, "name"), "the field %q is declared twice", f.Name)
		}
		if f.Pattern != "" {
			var err error
			f.pattern, err = compilePattern(f.Pattern)
			c.check(p.to(i, "pattern"), err)
		}
		x.Fields = append(x.Fields, f)
	}
	if defs == nil {
		x.Fields = slices.Clone(defaultFields[x.Type])
	}
}

// allowSecrets lets the templates of x.apply name its fields, and params.
func (c *compiler) allowSecrets(x *Auth) func(root, name string) error {
	return func(root, name string) error {
		if root != "secret" {
			if root == "params" {
				return c.params.allow(root, name)
			}
			return fmt.Errorf("only {{secret.…}} and {{params.…}} can stand here, not {{%s.…}}", root)
		}
		if !slices.ContainsFunc(x.Fields, func(f Field) bool { return f.Name == name }) {
			return fmt.Errorf("the secret %q is not among the fields of auth %q", name, x.ID)
		}
		return nil
	}
}

func (c *compiler) compileApply(x *Auth, p place) {
	allow := c.allowSecrets(x)
	x.Apply.Header = byName(c.namedTemplates(p.to("header"), allow, c.checkAuthHeader))
	x.Apply.Query = byName(c.namedTemplates(p.to("query"), allow, nil))
	x.Apply.Cookie = byName(c.namedTemplates(p.to("cookie"), allow, c.checkCookieName))
	x.Apply.Body = byName(c.namedTemplates(p.to("body"), allow, nil))
	x.Apply.Username = c.template(p.to("basic", "username"), allow)
	x.Apply.Password = c.template(p.to("basic", "password"), allow)
	if x.Apply.PathPrefix = c.template(p.to("path_prefix"), allow); x.Apply.PathPrefix != nil {
		_, err := compilePath(x.Apply.PathPrefix.Source(), allow)
		c.check(p.to("path_prefix"), err)
	}
	if x.Type == "bearer" && c.root.at(p[:2]).get("apply") == nil {
		x.Apply.Header = map[string]*template.Template{"Authorization": template.MustParse("Bearer {{secret.token}}")}
		c.check(p, allowAll(x.Apply.Header["Authorization"], allow))
	}
	if x.Type == "basic" && c.root.at(p[:2]).get("apply") == nil {
		x.Apply.Username, x.Apply.Password = template.MustParse("{{secret.username}}"), template.MustParse("{{secret.password}}")
		c.check(p, allowAll(x.Apply.Username, allow))
		c.check(p, allowAll(x.Apply.Password, allow))
	}
	for name := range x.Apply.Header {
		c.secret[strings.ToLower(name)] = true
	}
	for name := range x.Apply.Query {
		c.reserved.query[strings.ToLower(name)] = true
	}
	for name := range x.Apply.Body {
		c.reserved.body[strings.ToLower(name)] = true
	}
}

// allowAll asks allow about a default template, which names fields that a
// definition may have called otherwise.
func allowAll(t *template.Template, allow func(root, name string) error) error {
	for _, r := range t.Refs() {
		if err := allow(r.Root, r.Name); err != nil {
			return fmt.Errorf("without apply, %w", err)
		}
	}
	return nil
}

func byName(list []namedTemplate) map[string]*template.Template {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]*template.Template, len(list))
	for _, n := range list {
		m[n.name] = n.text
	}
	return m
}

// checkAuth checks what a type needs and that every entered value is used:
// a secret that goes nowhere is a mistake in the definition.
func (c *compiler) checkAuth(x *Auth, p place, applied bool) {
	switch x.Type {
	case "none":
		if len(x.Fields) > 0 || applied {
			c.fail(p, "auth type none has no fields and no apply")
		}
		return
	case "api_key", "custom":
		if !applied {
			c.fail(p, "auth type %s needs apply, which says where the values are put", x.Type)
			return
		}
		if len(x.Fields) == 0 {
			c.fail(p, "auth type %s needs fields, which say what is asked for", x.Type)
		}
	case "basic":
		if x.Apply.Username == nil {
			c.fail(p, "auth type basic needs apply.basic.username")
		}
	case "bearer":
	default:
		return // reported by the schema
	}
	used := x.usedSecrets()
	for i, f := range x.Fields {
		if !used[f.Name] {
			c.fail(p.to("fields", i), "the field %q is asked for but apply puts it nowhere", f.Name)
		}
	}
}

func (x *Auth) usedSecrets() map[string]bool {
	used := map[string]bool{}
	note := func(t *template.Template) {
		if t == nil {
			return
		}
		for _, r := range t.Refs() {
			if r.Root == "secret" {
				used[r.Name] = true
			}
		}
	}
	for _, m := range []map[string]*template.Template{x.Apply.Header, x.Apply.Query, x.Apply.Cookie, x.Apply.Body} {
		for _, t := range m {
			note(t)
		}
	}
	note(x.Apply.PathPrefix)
	note(x.Apply.Username)
	note(x.Apply.Password)
	return used
}

// headerName is what RFC 9110 section 5.6.2 lets a header be called.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")

// ownHeaders belong to the connection between two HTTP speakers (RFC 9110
// section 7.6.1) or to our client. A definition that set one could smuggle a
// second request, send to another host or turn off our limits.
var ownHeaders = map[string]bool{
	"connection": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true, "host": true, "content-length": true, "expect": true,
	"accept-encoding": true, "content-encoding": true, "http2-settings": true, "proxy-authenticate": true,
}

func (c *compiler) checkHeaderName(p place, name string) bool {
	switch {
	case !headerName.MatchString(name):
		c.fail(p, "%q cannot be the name of a header", cut(name))
	case ownHeaders[strings.ToLower(name)]:
		c.fail(p, "the header %s is set by the HTTP client and cannot be set here", name)
	default:
		return true
	}
	return false
}

// checkHeader checks a header of a request: it carries no credential.
func (c *compiler) checkHeader(p place, name string) {
	if c.checkHeaderName(p, name) && c.secret[strings.ToLower(name)] {
		c.fail(p, "the header %s carries a credential; only auth.…apply can set it", name)
	}
}

func (c *compiler) checkAuthHeader(p place, name string) {
	if c.checkHeaderName(p, name) && strings.EqualFold(name, "cookie") {
		c.fail(p, "write cookies under apply.cookie")
	}
}

func (c *compiler) checkCookieName(p place, name string) {
	if !headerName.MatchString(name) {
		c.fail(p, "%q cannot be the name of a cookie", cut(name))
	}
}

func (c *compiler) checkQueryName(p place, name string) {
	if c.reserved.query[strings.ToLower(name)] {
		c.fail(p, "the query parameter %s carries the credential; only auth.…apply can set it", name)
	}
}
