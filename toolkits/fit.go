package toolkits

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"
)

// maxResult is the largest result of a tool that sets no cap of its own, in
// bytes of JSON: about what a model's context takes without harm.
const maxResult = 64 << 10

// cutMark ends a string that was cut.
const cutMark = "… [cut]"

// fit returns content as JSON, cut to limit bytes where it is larger: long lists
// lose their last items and long strings their ends, the larger before the
// smaller, so that what is left keeps its form and stays valid.
func fit(content any, limit int) (text []byte, cut bool, err error) {
	if limit <= 0 {
		limit = maxResult
	}
	if raw, ok := content.(json.RawMessage); ok {
		text = raw
	} else if text, err = encode(content); err != nil {
		return nil, false, err
	}
	if len(text) <= limit {
		return text, false, nil
	}
	// What was decoded from JSON is cut as such; anything else is made so first.
	if err := decode(text, &content); err != nil {
		return nil, false, err
	}
	for room := limit; ; room -= max(1, room/8) {
		shrunk := shrink(content, room)
		if text, err = encode(shrunk); err != nil || len(text) <= limit || room <= 1 {
			return text, true, err
		}
	}
}

// encode writes v as JSON, without escaping what is harmless outside HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode reads JSON with its numbers as they are written.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// size returns about how many bytes v takes as JSON.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) + 2
	case json.Number:
		return len(v)
	case []any:
		n := 2
		for _, item := range v {
			n += size(item) + 1
		}
		return n
	case map[string]any:
		n := 2
		for key, member := range v {
			n += len(key) + 4 + size(member)
		}
		return n
	}
	return 5
}

// shrink returns v in about room bytes.
func shrink(v any, room int) any {
	if size(v) <= room {
		return v
	}
	switch v := v.(type) {
	case string:
		return cutString(v, room-2)
	case []any:
		return shrinkList(v, room-2)
	case map[string]any:
		return shrinkObject(v, room-2)
	}
	return v
}

func cutString(s string, room int) string {
	n := max(0, room-len(cutMark))
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + cutMark
}

// shrinkList keeps the first items that have room. The first of all is kept in
// any case, shrunk, for a list that is empty says something else.
func shrinkList(list []any, room int) []any {
	kept := []any{}
	for i, item := range list {
		n := size(item) + 1
		if n > room {
			if i == 0 {
				kept = append(kept, shrink(item, room))
			}
			break
		}
		kept = append(kept, item)
		room -= n
	}
	return kept
}

// shrinkObject keeps all members: small ones as they are, and the larger ones
// share the room that those leave.
func shrinkObject(object map[string]any, room int) map[string]any {
	keys := slices.SortedFunc(maps.Keys(object), func(a, b string) int {
		if d := size(object[a]) - size(object[b]); d != 0 {
			return d
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	out := make(map[string]any, len(object))
	for i, key := range keys {
		share := room/(len(keys)-i) - len(key) - 4
		out[key] = shrink(object[key], share)
		room -= len(key) + 4 + size(out[key])
	}
	return out
}
