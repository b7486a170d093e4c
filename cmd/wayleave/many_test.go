package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManyDefinitions is cli-007-glob-10k-files: a directory of ten thousand
// definitions is checked to its end, and the one that is wrong is found.
func TestManyDefinitions(t *testing.T) {
	const definition = "schema: app/v1\napp: { slug: app-%d, title: App }\nhosts: [api.example.com]\n" +
		"api: { base_url: 'https://api.example.com' }\nauth: [{ id: none, type: none, title: None }]\n"
	dir := t.TempDir()
	for i := range 10_000 {
		text := fmt.Sprintf(definition, i)
		if i == 9_999 {
			text += "tool: []\n"
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("app-%05d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, stderr bytes.Buffer
	c := &cli{in: strings.NewReader(""), out: &out, err: &stderr, env: []string{"HOME=" + t.TempDir()}}
	code := run(t.Context(), c, []string{"apps", "lint", dir})
	all := out.String() + stderr.String()
	if code != 1 || !strings.Contains(all, "app-09999.yaml:6") || strings.Contains(all, "app-00001.yaml:") {
		t.Errorf("exit %d\n%.2000s", code, all)
	}
}
