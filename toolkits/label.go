package toolkits

import (
	"encoding/json"
	"strings"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
)

// labelArgument is the argument by which a call over MCP names one of several
// connections. REST has a field of its own for it.
const labelArgument = "connection"

// schema returns the schema of the tool's arguments, with one to name the
// connection where several are bound.
func (it *indexed) schema(bound []Binding) json.RawMessage {
	if len(bound) < 2 {
		return it.tool.Input
	}
	var schema map[string]any
	if json.Unmarshal(it.tool.Input, &schema) != nil {
		return it.tool.Input
	}
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	properties[labelArgument] = map[string]any{
		"type": "string", "enum": labels(bound), "description": "Which connection to use.",
	}
	required, _ := schema["required"].([]any)
	schema["properties"], schema["required"] = properties, append(required, labelArgument)
	out, err := json.Marshal(schema)
	if err != nil {
		return it.tool.Input
	}
	return out
}

func labels(bound []Binding) []string {
	names := make([]string, len(bound))
	for i, b := range bound {
		names[i] = b.Label
	}
	return names
}

// choose returns the connection that a call runs on: the one bound, or of
// several the one named.
func (it *indexed) choose(env environments.Name, label string) (Binding, error) {
	bound := it.bindings(env)
	switch {
	case len(bound) == 0:
		return Binding{}, fault.New(fault.EnvironmentNotBound, "the toolkit %s has no connection in the environment %s", it.toolkit.Slug, env)
	case label == "" && len(bound) == 1:
		return bound[0], nil
	case label == "":
		return Binding{}, fault.New(fault.AmbiguousConnection, "the toolkit %s has several connections in %s", it.toolkit.Slug, env).
			WithFix("Name one as %q: %s.", labelArgument, strings.Join(labels(bound), ", "))
	}
	for _, b := range bound {
		if b.Label == label {
			return b, nil
		}
	}
	return Binding{}, fault.New(fault.InvalidInput, "the toolkit %s has no connection %q in %s", it.toolkit.Slug, label, env).
		WithFix("Use one of: %s.", strings.Join(labels(bound), ", "))
}

// takeLabel takes the connection's name out of the arguments of a call, if it
// is there and several connections are bound. Where one is bound, the schema
// has no such argument and refuses it, unless the tool declares its own.
func (it *indexed) takeLabel(c *Call, env environments.Name) error {
	if c.Connection != "" || len(it.bindings(env)) < 2 || len(c.Arguments) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(c.Arguments, &members) != nil {
		return nil // the check of the arguments says what is wrong
	}
	raw, ok := members[labelArgument]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, &c.Connection); err != nil {
		return fault.New(fault.InvalidInput, "the argument %q must be a string", labelArgument)
	}
	delete(members, labelArgument)
	rest, err := json.Marshal(members)
	c.Arguments = rest
	return err
}
