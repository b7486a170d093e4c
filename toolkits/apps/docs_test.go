package apps_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/toolkits/apps"
)

const page = "../../docs/app-definitions.md"

// Every example of the page is taken as it stands there; those that show one
// section are completed with the others of the small definition.
func TestDocsExamplesParse(t *testing.T) {
	src, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(src), -1)
	if len(blocks) < 8 {
		t.Fatalf("%d examples found", len(blocks))
	}
	for i, b := range blocks {
		yaml := b[1]
		if !strings.HasPrefix(yaml, "schema:") {
			yaml = complete(yaml)
		}
		if _, err := apps.Parse("example.yaml", []byte(yaml)); err != nil {
			t.Errorf("example %d: %s\n%s", i+1, problems(err), yaml)
		}
	}
}

// complete adds the sections of the small definition that yaml does not have.
func complete(yaml string) string {
	for _, s := range sections {
		if s.yaml != "" && !strings.Contains("\n"+yaml, "\n"+s.name+":") {
			yaml = s.yaml + "\n" + yaml
		}
	}
	return yaml
}

// The page tells about every field, value and class that the schema knows.
func TestDocsNameEveryField(t *testing.T) {
	src, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(apps.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	collect(schema, words)
	if len(words) < 80 {
		t.Fatalf("only %d words in the schema", len(words))
	}
	for w := range words {
		if !regexp.MustCompile(`(^|[^a-z_])` + regexp.QuoteMeta(w) + `([^a-z_]|$)`).Match(src) {
			t.Errorf("%s does not mention %s", page, w)
		}
	}
}

func collect(v any, words map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if props, ok := v["properties"].(map[string]any); ok {
			for name := range props {
				words[name] = true
			}
		}
		if values, ok := v["enum"].([]any); ok {
			for _, e := range values {
				if s, ok := e.(string); ok {
					words[s] = true
				}
			}
		}
		for _, e := range v {
			collect(e, words)
		}
	case []any:
		for _, e := range v {
			collect(e, words)
		}
	}
}
