package apps

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wayleave/wayleave/internal/template"
)

// Bounds of an input schema. A model reads every byte of it at every turn.
const (
	maxSchemaBytes = 32 << 10
	maxSchemaDepth = 16
)

func (c *compiler) compileTools() {
	for i, d := range c.def.Tools {
		p := at("tools", i)
		if c.app.byName[d.Name] != nil {
			c.fail(p.to("name"), "the tool %q is declared twice", d.Name)
			continue
		}
		t := &Tool{
			Name: d.Name, Title: d.Title, Description: strings.TrimSpace(d.Description),
			Annotations: d.Annotations, Scopes: d.Scopes, Auth: d.Auth,
		}
		if t.Title == "" {
			t.Title = titleOf(d.Name)
		}
		c.checkAnnotations(t, p)
		for j, id := range d.Auth {
			if c.app.AuthByID(id) == nil {
				c.fail(p.to("auth", j), "there is no auth %q", id)
			}
		}
		c.compileInput(t, p.to("input"))
		t.Request = c.request(p.to("request"), c.allowInput(t))
		c.checkPath(t, p.to("request"))
		c.compilePaginate(t, d, p.to("paginate"))
		c.compileOutput(t, d, p.to("output"))
		c.app.byName[t.Name] = t
		c.app.Tools = append(c.app.Tools, t)
	}
}

// titleOf makes "List issues" of list_issues.
func titleOf(name string) string {
	s := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

// checkAnnotations refuses promises that contradict one another or the method.
// Nothing is assumed: a tool that does not say it is read-only is a write.
func (c *compiler) checkAnnotations(t *Tool, p place) {
	method := plainText(c.root.at(p).get("request").get("method"))
	switch {
	case t.Annotations.ReadOnly && t.Annotations.Destructive:
		c.fail(p.to("annotations"), "a tool cannot be read_only and destructive")
	case t.Annotations.ReadOnly && (method == "DELETE" || method == "PUT" || method == "PATCH"):
		c.fail(p.to("annotations"), "a %s is not read_only", method)
	}
}

func plainText(n *node) string {
	if n == nil {
		return ""
	}
	return n.text
}

// compileInput compiles the input schema: a closed object, self-contained and
// bounded, so that arguments are exactly what the definition lists.
func (c *compiler) compileInput(t *Tool, p place) {
	n := c.root.at(p[:len(p)-1]).get("input")
	if n == nil || n.kind != object {
		return // reported by the schema
	}
	t.Input = n.json(nil)
	doc, _ := n.value().(map[string]any)
	t.schema = &compiledSchema{doc: doc}
	if plainText(n.get("type")) != "object" {
		c.fail(p, "the input schema must have type: object")
	}
	if plainText(n.get("additionalProperties")) != "false" {
		c.fail(p, "the input schema must have additionalProperties: false, so that only what is listed is accepted")
	}
	if len(t.Input) > maxSchemaBytes {
		c.fail(p, "the input schema has %d bytes; at most %d", len(t.Input), maxSchemaBytes)
	}
	if c.checkSchema(n, p, 0) {
		c.compileSchema(t, n, p)
	}
}

// checkSchema looks for what a self-contained, bounded schema cannot hold.
func (c *compiler) checkSchema(n *node, p place, depth int) bool {
	if depth > maxSchemaDepth {
		c.fail(p, "the input schema nests more than %d deep", maxSchemaDepth)
		return false
	}
	ok := true
	for _, m := range n.members {
		where := append(p[:len(p):len(p)], m.key)
		isRef := m.key == "$ref" || m.key == "$dynamicRef" || m.key == "$recursiveRef"
		switch {
		case isRef && m.value.kind == text && !strings.HasPrefix(m.value.text, "#/$defs/"):
			c.fail(where, "an input schema refers only to its own $defs, not to %q", cut(m.value.text))
			ok = false
		case (m.key == "$id" || m.key == "$schema" || m.key == "$anchor" || m.key == "$dynamicAnchor") && m.value.kind == text:
			c.fail(where, "an input schema has no %s; it is JSON Schema 2020-12 and stands alone", m.key)
			ok = false
		}
		ok = c.checkSchema(m.value, where, depth+1) && ok
	}
	for i, item := range n.items {
		ok = c.checkSchema(item, p.to(i), depth+1) && ok
	}
	return ok
}

func (c *compiler) compileSchema(t *Tool, n *node, p place) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(t.Input))
	if err != nil {
		c.fail(p, "the input schema cannot be read")
		return
	}
	const url = "urn:wayleave:input"
	sc := newCompiler()
	if err = sc.AddResource(url, doc); err == nil {
		var compiled *jsonschema.Schema
		if compiled, err = sc.Compile(url); err == nil {
			t.schema.compiled = compiled
			c.checkDefaults(t, n, p)
			return
		}
	}
	var invalid *jsonschema.SchemaValidationError
	if asSchemaError(err, &invalid) {
		for _, leaf := range leaves(invalid.Err.(*jsonschema.ValidationError)) {
			for _, f := range say(leaf, doc) {
				c.fail(p.to(anys(leaf.InstanceLocation)...), "not a JSON Schema: %s %s", last(f.at), f.text)
			}
		}
		return
	}
	c.fail(p, "not a JSON Schema: a pattern or reference in it cannot be used")
}

func asSchemaError(err error, to **jsonschema.SchemaValidationError) bool {
	e, ok := err.(*jsonschema.SchemaValidationError)
	if !ok {
		return false
	}
	if _, ok = e.Err.(*jsonschema.ValidationError); ok {
		*to = e
	}
	return ok
}

func anys(steps []string) []any {
	out := make([]any, len(steps))
	for i, s := range steps {
		out[i] = s
	}
	return out
}

func last(steps []string) string {
	if len(steps) == 0 {
		return "it"
	}
	return steps[len(steps)-1]
}

// checkDefaults refuses a default that its own schema would refuse.
func (c *compiler) checkDefaults(t *Tool, n *node, p place) {
	args := map[string]any{}
	t.schema.prepare(args)
	props := t.schema.compiled.Properties
	for name, v := range args {
		if s := props[name]; s != nil && s.Validate(v) != nil {
			c.fail(p.to("properties", name, "default"), "the default of %s does not fit its own schema", name)
		}
	}
	if req := n.get("required"); req != nil {
		for i, item := range req.items {
			if n.get("properties").get(item.text) == nil {
				c.fail(p.to("required", i), "%s is required but not among the properties", cut(item.text))
			}
		}
	}
}

// allowInput lets the templates of a tool name its inputs, and params.
func (c *compiler) allowInput(t *Tool) func(root, name string) error {
	return func(root, name string) error {
		switch root {
		case "params":
			return c.params.allow(root, name)
		case "input":
			if t.schema == nil {
				return nil // its schema was reported
			}
			return declared(t.schema.doc, name)
		case "secret":
			return fmt.Errorf("{{secret.…}} can stand only under auth.…apply")
		}
		return fmt.Errorf("only {{input.…}} and {{params.…}} can stand here, not {{%s.…}}", root)
	}
}

// declared follows a dotted name through the properties of a schema.
func declared(schema map[string]any, name string) error {
	for step := range strings.SplitSeq(name, ".") {
		props, _ := schema["properties"].(map[string]any)
		next, ok := props[step].(map[string]any)
		if !ok {
			known := make([]string, 0, len(props))
			for k := range props {
				known = append(known, k)
			}
			slices.Sort(known)
			return fmt.Errorf("the input %q is not among the properties of the input schema%s", cut(name), didYouMean(step, known))
		}
		schema = next
	}
	return nil
}

// checkPath refuses a path that has a hole when an input is left out.
func (c *compiler) checkPath(t *Tool, p place) {
	if t.Request == nil || t.schema == nil {
		return
	}
	var refs []template.Ref
	if t.Request.path != nil {
		refs = append(refs, t.Request.path.Refs()...)
	}
	if t.Request.address != nil && t.Request.address.path != nil {
		refs = append(refs, t.Request.address.path.Refs()...)
	}
	required, _ := t.schema.doc["required"].([]any)
	props, _ := t.schema.doc["properties"].(map[string]any)
	for _, r := range refs {
		if r.Root != "input" {
			continue
		}
		prop, _ := props[r.Name].(map[string]any)
		if _, hasDefault := prop["default"]; !hasDefault && !slices.Contains(required, any(r.Name)) {
			c.fail(p.to("path"), "the input %q is part of the path, so it must be required or have a default", r.Name)
		}
	}
}
