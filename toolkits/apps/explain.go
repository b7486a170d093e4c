package apps

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/wayleave/wayleave/internal/fault"
)

// maxProblems bounds how many problems one answer lists.
const maxProblems = 50

// explain turns what a schema found into problems that a person or a model can
// act on, sorted by place. doc is what was validated.
func explain(e *jsonschema.ValidationError, doc any) []fault.Problem {
	var problems []fault.Problem
	for _, leaf := range leaves(e) {
		for _, f := range say(leaf, doc) {
			problems = append(problems, fault.Problem{Path: pointer(f.at), Message: f.text})
		}
	}
	slices.SortStableFunc(problems, func(a, b fault.Problem) int { return strings.Compare(a.Path, b.Path) })
	problems = slices.Compact(problems)
	return problems[:min(len(problems), maxProblems)]
}

// leaves returns the errors that have no cause but themselves. Of a choice
// between schemas the choice itself is the error: what each of its schemas
// found would say "do one thing" and "do the other" at once.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return []*jsonschema.ValidationError{e}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, c := range e.Causes {
		all = append(all, leaves(c)...)
	}
	return all
}

// A finding is one problem and the steps to where it is.
type finding struct {
	at   []string
	text string
}

func say(e *jsonschema.ValidationError, doc any) []finding {
	at := e.InstanceLocation
	one := func(format string, args ...any) []finding { return []finding{{at, fmt.Sprintf(format, args...)}} }
	got := valueAt(doc, at)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		var all []finding
		for _, name := range k.Missing {
			all = append(all, finding{append(slices.Clone(at), name), "is required"})
		}
		return all
	case *kind.AdditionalProperties:
		var all []finding
		for _, name := range k.Properties {
			all = append(all, finding{append(slices.Clone(at), name), "is not known here"})
		}
		return all
	case *kind.Type:
		if s, ok := got.(string); ok && holdsJSON(s) && (slices.Contains(k.Want, "object") || slices.Contains(k.Want, "array")) {
			return one("must be %s; got a string that holds JSON: send the value itself, not its text", article(k.Want))
		}
		return one("must be %s, got %s", article(k.Want), describe(got))
	case *kind.Enum:
		return one("must be one of %s, got %s", listOf(k.Want), describe(got))
	case *kind.Const:
		return one("must be %s", cut(fmt.Sprint(k.Want)))
	case *kind.Format:
		return one("must be a %s, got %s", k.Want, describe(got))
	case *kind.Pattern:
		return one("must match %s, got %s", k.Want, describe(got))
	case *kind.MinLength:
		return one("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return one("must have at most %d characters, got %d", k.Want, k.Got)
	case *kind.MinItems:
		return one("must have at least %d items, got %d", k.Want, k.Got)
	case *kind.MaxItems:
		return one("must have at most %d items, got %d", k.Want, k.Got)
	case *kind.UniqueItems:
		return one("must not hold the same item twice (items %d and %d)", k.Duplicates[0], k.Duplicates[1])
	case *kind.Minimum:
		return one("must be at least %s, got %s", k.Want.RatString(), describe(got))
	case *kind.Maximum:
		return one("must be at most %s, got %s", k.Want.RatString(), describe(got))
	case *kind.ExclusiveMinimum:
		return one("must be more than %s, got %s", k.Want.RatString(), describe(got))
	case *kind.ExclusiveMaximum:
		return one("must be less than %s, got %s", k.Want.RatString(), describe(got))
	case *kind.MultipleOf:
		return one("must be a multiple of %s, got %s", k.Want.RatString(), describe(got))
	case *kind.MinProperties:
		return one("must have at least %d members", k.Want)
	case *kind.MaxProperties:
		return one("must have at most %d members, got %d", k.Want, k.Got)
	case *kind.AnyOf:
		return one("fits none of the forms it can have, got %s", describe(got))
	case *kind.OneOf:
		return one("must fit exactly one of the forms it can have, got %s", describe(got))
	}
	return one("does not fit the schema, got %s", describe(got))
}

func pointer(at []string) string {
	var b strings.Builder
	for _, s := range at {
		b.WriteString("/" + pointerToken(cut(s)))
	}
	return b.String()
}

func valueAt(doc any, at []string) any {
	for _, step := range at {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			doc = v[i]
		}
	}
	return doc
}

// describe says what v is, with the value itself only when it is short.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		if len(v) > maxEcho {
			return "a number of " + strconv.Itoa(len(v)) + " digits"
		}
		return "the number " + v.String()
	case string:
		if n := utf8.RuneCountInString(v); n > maxEcho {
			return fmt.Sprintf("a string of %d characters", n)
		}
		return fmt.Sprintf("the string %q", v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[string]any:
		if len(v) > 5 {
			return fmt.Sprintf("an object of %d members", len(v))
		}
		names := slices.Sorted(maps.Keys(v))
		for i, n := range names {
			names[i] = cut(n)
		}
		return "an object with " + strings.Join(names, ", ")
	}
	return "something else"
}

func article(types []string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = "a " + t
		if strings.ContainsAny(t[:1], "aeiou") {
			words[i] = "an " + t
		}
	}
	return strings.Join(words, " or ")
}
