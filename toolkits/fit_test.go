package toolkits

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// document draws a JSON document.
func document() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any { return drawValue(t, 4) })
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 5
	if depth == 0 {
		kinds = 3
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "string")
	case 1:
		return json.Number("123456789012345678901")
	case 2:
		return strings.Repeat(rapid.SampledFrom([]string{"x", "ü", "\"", "\x01", "😀"}).Draw(t, "letter"), rapid.IntRange(0, 2000).Draw(t, "length"))
	case 3:
		list := make([]any, rapid.IntRange(0, 8).Draw(t, "items"))
		for i := range list {
			list[i] = drawValue(t, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 6).Draw(t, "members") {
		object[rapid.StringMatching(`[a-z]{1,12}`).Draw(t, "name")] = drawValue(t, depth-1)
	}
	return object
}

func TestFitKeepsTheCapAndTheForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := document().Draw(t, "document")
		whole, err := encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		limit := rapid.IntRange(600, 20_000).Draw(t, "limit")
		text, cut, err := fit(doc, limit)
		if err != nil || !json.Valid(text) {
			t.Fatalf("fit = %v; valid JSON: %v", err, json.Valid(text))
		}
		if len(whole) <= limit && (cut || string(text) != string(whole)) {
			t.Fatalf("what fits was changed")
		}
		if len(whole) > limit && !cut {
			t.Fatalf("%d bytes were not cut to %d", len(whole), limit)
		}
		if len(text) > limit {
			t.Fatalf("cut to %d bytes, the cap is %d", len(text), limit)
		}
		if form(whole) != form(text) {
			t.Fatalf("a document of the form %q became one of the form %q", form(whole), form(text))
		}
	})
}

// form returns the first byte of a document: what kind of value it is.
func form(text []byte) string { return strings.Trim(string(text[:1]), "0123456789") }

func TestFitCutsTheLargeBeforeTheSmall(t *testing.T) {
	doc := map[string]any{"id": "note_1", "title": "short", "body": strings.Repeat("long ", 1000), "tags": []any{"a", "b"}}
	text, cut, err := fit(doc, 1000)
	if err != nil || !cut {
		t.Fatalf("fit = %v, %v", cut, err)
	}
	for _, kept := range []string{`"id":"note_1"`, `"title":"short"`, `"tags":["a","b"]`, cutMark} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("%s is not in %s", kept, text)
		}
	}
	list := make([]any, 1000)
	for i := range list {
		list[i] = map[string]any{"n": i}
	}
	text, _, _ = fit(list, 100)
	if want := `[{"n":0},{"n":1}`; !strings.HasPrefix(string(text), want) || len(text) > 100 {
		t.Errorf("a long list became %s", text)
	}
}
