package apps

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/template"
)

func (c *compiler) compileErrors() {
	for i, d := range c.def.Errors {
		p := at("errors", i)
		r := errorRule{class: d.Class, when: c.condition(d.When, p.to("when"))}
		r.message = c.phrase(d.Message, p.to("message"))
		r.retryAfter = c.path(d.RetryAfter, p.to("retry_after"))
		c.app.failures = append(c.app.failures, r)
	}
}

func (c *compiler) condition(d whenDef, p place) condition {
	var out condition
	for i, s := range d.Status {
		r, err := parseStatus(textOf(s))
		c.check(p.to("status", i), err)
		out.status = append(out.status, r)
	}
	for i, k := range d.All {
		out.all = append(out.all, c.checkDef(k, p.to("all", i)))
	}
	for i, k := range d.Any {
		out.any = append(out.any, c.checkDef(k, p.to("any", i)))
	}
	return out
}

func parseStatus(s string) (statusRange, error) {
	if len(s) == 3 && strings.HasSuffix(s, "xx") {
		if n := int(s[0] - '0'); n >= 1 && n <= 5 {
			return statusRange{n * 100, n*100 + 99}, nil
		}
	}
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || a < 100 || b > 599 || a > b {
		return statusRange{}, errors.New(`a status is a number such as 404, "4xx" or a range such as "500-599"`)
	}
	return statusRange{a, b}, nil
}

func (c *compiler) checkDef(d checkDef, p place) check {
	k := check{header: d.Header, exists: d.Exists, equals: d.Equals, in: d.In, contains: d.Contains}
	k.path = c.path(d.Path, p.to("path"))
	k.hasEq = c.root.at(p).get("equals") != nil
	if (d.Path == "") == (d.Header == "") {
		c.fail(p, "a condition looks at either a path or a header")
	}
	if d.Header != "" {
		if !headerName.MatchString(d.Header) {
			c.fail(p.to("header"), "%q cannot be the name of a header", cut(d.Header))
		}
		k.equals = asText(k.equals)
		for i := range k.in {
			k.in[i] = asText(k.in[i])
		}
	} else if k.path == nil {
		k.path = &Path{} // reported; a check must not be asked about nothing
	}
	if d.Matches != "" {
		var err error
		if k.matches, err = regexp.Compile(d.Matches); err != nil {
			c.fail(p.to("matches"), "not a pattern of RE2")
		}
	}
	return k
}

// asText writes what a header is compared with as the text a header is.
func asText(v any) any {
	switch v := v.(type) {
	case json.Number, bool:
		return plain(v)
	}
	return v
}

func (c *compiler) path(src string, p place) *Path {
	if src == "" {
		return nil
	}
	path, err := ParsePath(src)
	c.check(p, err)
	return path
}

// phrase compiles a path, or a text with paths in it.
func (c *compiler) phrase(src string, p place) *phrase {
	if src == "" {
		return nil
	}
	if strings.HasPrefix(src, "$.") || strings.HasPrefix(src, "$[") {
		src = "{{" + src + "}}"
	}
	paths := map[string]*Path{}
	t, err := template.Parse(src, func(root, name string) error {
		if root != "$" {
			return fmt.Errorf("only parts of the answer, such as {{$.error.message}}, can stand here")
		}
		path, err := ParsePath(name)
		paths[name] = path
		return err
	})
	if err != nil {
		c.fail(p, "in the text, %s", err)
		return nil
	}
	return &phrase{text: t, paths: paths}
}

// Defaults of limits: one repetition is what most failures need.
const (
	defaultAttempts = 2
	defaultMaxWait  = 10 * time.Second
)

// defaultRetryStatus are the answers after which the same request often works.
var defaultRetryStatus = []int{429, 500, 502, 503, 504}

func (c *compiler) compileLimits() {
	d := c.def.Limits
	l := Limits{
		Concurrency: d.Concurrency, Requests: d.Requests, Per: time.Duration(d.Per),
		MaxAttempts: d.Retry.MaxAttempts, MaxWait: time.Duration(d.Retry.MaxWait),
		RetryStatus: d.Retry.Status, RemainingHeader: d.Retry.RemainingHeader,
	}
	if (d.Requests == 0) != (d.Per == 0) {
		c.fail(at("limits"), "requests and per belong together: so many requests per so much time")
	}
	if l.MaxAttempts == 0 {
		l.MaxAttempts = defaultAttempts
	}
	if l.MaxWait == 0 {
		l.MaxWait = defaultMaxWait
	}
	if l.RetryStatus == nil {
		l.RetryStatus = defaultRetryStatus
	}
	for _, w := range d.Retry.WaitHeaders {
		l.waits = append(l.waits, waitHeader{w.Name, w.Unit})
	}
	c.app.Limits = l
}

func (c *compiler) compileTest() {
	d := c.def.Test
	if d == nil {
		return
	}
	t := &Test{Request: c.request(at("test", "request"), c.params.allow)}
	if d.Success != nil {
		when := c.condition(*d.Success, at("test", "success"))
		t.success = &when
	}
	t.id = c.phrase(d.Identity.ID, at("test", "identity", "id"))
	t.label = c.phrase(d.Identity.Label, at("test", "identity", "label"))
	c.app.Test = t
}
