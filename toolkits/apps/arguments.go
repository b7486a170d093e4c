package apps

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wayleave/wayleave/internal/fault"
)

// maxArguments bounds the arguments of one call, in bytes.
const maxArguments = 1 << 20

// Check checks the arguments of a call and returns them with defaults filled in
// and numbers as json.Number; nil or empty means {}. What the schema calls an
// integer is written as one (1.0 becomes 1), so that it can stand in a path.
//
// The error is an InvalidInput fault whose Problems name each argument by JSON
// pointer and say what would be right. It repeats at most 60 characters of a
// value.
func (t *Tool) Check(raw json.RawMessage) (map[string]any, error) {
	if len(raw) > maxArguments {
		return nil, fault.New(fault.InvalidInput, "the arguments of %s are over %d bytes", t.Name, maxArguments)
	}
	args, err := objectOf(raw)
	if err != nil {
		return nil, fault.New(fault.InvalidInput, "%s: %s", t.Name, err)
	}
	t.schema.prepare(args)
	if err := t.schema.compiled.Validate(args); err != nil {
		var invalid *jsonschema.ValidationError
		if !errors.As(err, &invalid) {
			return nil, fault.Wrap(fault.InvalidInput, err, "the arguments of %s cannot be checked", t.Name)
		}
		e := fault.New(fault.InvalidInput, "the arguments of %s do not fit its input schema", t.Name)
		e.Problems = explain(invalid, args)
		e.Fix = problemsInOneLine(e.Problems)
		return nil, e
	}
	return args, nil
}

// objectOf decodes arguments. Models send an object as a JSON text more often
// than anything else that is wrong, so that has words of its own.
func objectOf(raw []byte) (map[string]any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	v, err := parseArguments(raw)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case nil:
		return map[string]any{}, nil
	case string:
		if holdsJSON(v) {
			return nil, errors.New("the arguments are a string that holds JSON; send the object itself, not its text")
		}
	}
	return nil, errors.New("the arguments must be a JSON object")
}

func holdsJSON(s string) bool {
	s = strings.TrimSpace(s)
	return (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) && json.Valid([]byte(s))
}

func problemsInOneLine(problems []fault.Problem) string {
	var b strings.Builder
	b.WriteString("Correct the arguments and call again: ")
	for i, p := range problems {
		if i == 5 {
			b.WriteString("; …")
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strings.TrimSpace(p.Path + " " + p.Message))
	}
	return b.String() + "."
}

// A compiledSchema is the input schema of a tool.
type compiledSchema struct {
	compiled *jsonschema.Schema
	doc      map[string]any // the schema itself
}

// prepare fills in the defaults of members that are absent and writes integers
// as such, in place.
func (s *compiledSchema) prepare(args map[string]any) { prepareObject(s.doc, args) }

func prepareObject(schema, obj map[string]any) {
	props, _ := schema["properties"].(map[string]any)
	for name, p := range props {
		prop, ok := p.(map[string]any)
		if !ok {
			continue
		}
		v, given := obj[name]
		if def, has := prop["default"]; !given && has {
			obj[name] = clone(def)
		} else if given {
			obj[name] = prepareValue(prop, v)
		}
	}
}

func prepareValue(schema map[string]any, v any) any {
	switch v := v.(type) {
	case map[string]any:
		prepareObject(schema, v)
	case []any:
		if items, ok := schema["items"].(map[string]any); ok {
			for i := range v {
				v[i] = prepareValue(items, v[i])
			}
		}
	case json.Number:
		if schema["type"] == "integer" {
			return asInteger(v)
		}
	}
	return v
}

// asInteger writes a number without fraction or exponent where it has none in
// fact; others, and exponents that would make it long, stay for the schema to
// judge.
func asInteger(n json.Number) json.Number {
	s := n.String()
	if !strings.ContainsAny(s, ".eE") || len(s) > 40 {
		return n
	}
	if _, exp, found := strings.Cut(strings.ToLower(s), "e"); found && len(strings.TrimLeft(exp, "+-0")) > 2 {
		return n
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || !r.IsInt() {
		return n
	}
	return json.Number(r.Num().String())
}

// clone copies a JSON value, so that a call cannot change the schema's default.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = clone(e)
		}
		return m
	case []any:
		a := make([]any, len(v))
		for i, e := range v {
			a[i] = clone(e)
		}
		return a
	}
	return v
}
