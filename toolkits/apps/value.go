package apps

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/wayleave/wayleave/internal/template"
)

// A value is a query parameter or body of a definition: literal JSON with
// templates for texts.
type value struct {
	kind    nodeKind
	literal any                // of null, boolean and number
	text    *template.Template // of text
	members []namedValue
	items   []*value
}

type namedValue struct {
	name  string
	value *value
}

// An ordered is a JSON object in the order it was written.
type ordered []entry

type entry struct {
	name  string
	value any
}

// resolve returns the JSON value that v makes of what look knows. ok is false
// when it is a template whose value is absent, or an object or list that has
// templates and all of them are absent: then the member, item or parameter is
// left out. So an optional filter: { property: status, equals: "{{input.x}}" }
// goes as a whole.
func (v *value) resolve(look template.Lookup) (out any, ok bool, err error) {
	switch v.kind {
	case text:
		return v.text.Value(look)
	case object:
		obj, absent := make(ordered, 0, len(v.members)), 0
		for _, m := range v.members {
			mv, ok, err := m.value.resolve(look)
			if err != nil {
				return nil, false, err
			}
			if !ok {
				absent++
				continue
			}
			obj = append(obj, entry{m.name, mv})
		}
		return obj, absent == 0 || absent < v.holes(), nil
	case array:
		list, absent := make([]any, 0, len(v.items)), 0
		for _, item := range v.items {
			iv, ok, err := item.resolve(look)
			if err != nil {
				return nil, false, err
			}
			if !ok {
				absent++
				continue
			}
			list = append(list, iv)
		}
		return list, absent == 0 || absent < v.holes(), nil
	}
	return v.literal, true, nil
}

// holes counts the members or items that can be absent.
func (v *value) holes() int {
	n := 0
	for _, m := range v.members {
		if m.value.canBeAbsent() {
			n++
		}
	}
	for _, item := range v.items {
		if item.canBeAbsent() {
			n++
		}
	}
	return n
}

func (v *value) canBeAbsent() bool {
	if v.kind == text {
		_, static := v.text.Static()
		return !static
	}
	return v.holes() > 0
}

// appendJSON appends v as JSON: objects of the definition in its order, those of
// an input sorted by name.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendJSONString(b, v)
	case json.Number:
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, e := range entries(v) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, e.name), ':')
		b = appendJSON(b, e.value)
	}
	return append(b, '}')
}

// entries returns the members of an object, nil if v is none.
func entries(v any) ordered {
	switch v := v.(type) {
	case ordered:
		return v
	case map[string]any:
		obj := make(ordered, 0, len(v))
		for name, member := range v {
			obj = append(obj, entry{name, member})
		}
		slices.SortFunc(obj, func(a, b entry) int { return strings.Compare(a.name, b.name) })
		return obj
	}
	return nil
}

// A pair is one name=value of a query or form, both encoded.
type pair struct{ name, value string }

// An arrayStyle says how a list is written as parameters.
type arrayStyle string

// The styles of a list [a, b] called "k".
const (
	repeat   arrayStyle = "repeat"   // k=a&k=b
	comma    arrayStyle = "comma"    // k=a,b with the commas within a and b encoded
	brackets arrayStyle = "brackets" // k[]=a&k[]=b, and k[0][x]=… for a list of objects
)

// appendPairs appends v as parameters called name, which is encoded already.
// Members of an object are name[member]. Null and empty lists are left out.
func appendPairs(pairs []pair, name string, v any, style arrayStyle) []pair {
	switch v := v.(type) {
	case nil:
		return pairs
	case []any:
		return appendList(pairs, name, v, style)
	case ordered, map[string]any:
		for _, e := range entries(v) {
			pairs = appendPairs(pairs, name+"["+template.Escape(e.name)+"]", e.value, style)
		}
		return pairs
	}
	return append(pairs, pair{name, template.Escape(plain(v))})
}

func appendList(pairs []pair, name string, list []any, style arrayStyle) []pair {
	if style == comma && !slices.ContainsFunc(list, compound) {
		words := make([]string, 0, len(list))
		for _, item := range list {
			if item != nil {
				words = append(words, template.Escape(plain(item)))
			}
		}
		if len(words) == 0 {
			return pairs
		}
		return append(pairs, pair{name, strings.Join(words, ",")})
	}
	for i, item := range list {
		switch {
		case compound(item):
			pairs = appendPairs(pairs, name+"["+strconv.Itoa(i)+"]", item, style)
		case style == brackets:
			pairs = appendPairs(pairs, name+"[]", item, style)
		default:
			pairs = appendPairs(pairs, name, item, style)
		}
	}
	return pairs
}

func compound(v any) bool {
	_, list := v.([]any)
	return list || isObject(v)
}

func isObject(v any) bool {
	switch v.(type) {
	case ordered, map[string]any:
		return true
	}
	return false
}

// joinPairs writes pairs as a query or form.
func joinPairs(pairs []pair) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return b.String()
}
