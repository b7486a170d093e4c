package mcp_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wayleave/wayleave/mcp"
)

var update = flag.Bool("update", false, "write what was answered into the conversations")

// TestConversations plays testdata/*.txtar: each "send" is one HTTP request
// (first line: key, path, headers as Name=value; then the body) or, in archives
// whose comment begins with "stdio", lines for stdin; each "answer" is what came
// back. Run with -update to write the answers, and read the diff.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			before := txtar.Format(archive)
			play(t, archive)
			after := txtar.Format(archive)
			switch {
			case bytes.Equal(before, after):
			case *update:
				if err := os.WriteFile(file, after, 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s is answered otherwise; read the diff of -update:\n%s", file, after)
			}
		})
	}
}

// play replaces every answer of the archive by the one that its send gets.
func play(t *testing.T, archive *txtar.Archive) {
	stdio := strings.HasPrefix(string(archive.Comment), "stdio")
	b := serve(t)
	var files []txtar.File
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "send") {
			continue
		}
		said := ""
		if stdio {
			said = overStdio(t, f.Data)
		} else {
			said = overHTTP(t, b, string(f.Data))
		}
		files = append(files, f, txtar.File{Name: "answer" + strings.TrimPrefix(f.Name, "send"), Data: []byte(said)})
	}
	archive.Files = files
}

func overStdio(t *testing.T, in []byte) string {
	t.Helper()
	var out, said strings.Builder
	door := mcp.New(mcp.Config{Tools: newFixture(), Version: "1.2.3"})
	for line := range bytes.Lines(in) { // one by one, so that the order of answers is that of the messages
		if err := door.ServeStdio(t.Context(), keys["key-alice"], "", bytes.NewReader(line), &out); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(out.String()) {
		said.WriteString(pretty(t, line))
	}
	return said.String()
}

func overHTTP(t *testing.T, b *bench, send string) string {
	t.Helper()
	first, body, _ := strings.Cut(send, "\n")
	fields := strings.Fields(first)
	var header []string
	for _, field := range fields[2:] {
		name, value, _ := strings.Cut(field, "=")
		header = append(header, name, value)
	}
	a := b.post(t, fields[0], fields[1], body, header...)
	said := fmt.Sprintf("%d %s\n", a.status, http.StatusText(a.status))
	for _, name := range []string{"Content-Type", "WWW-Authenticate"} {
		if value := a.header.Get(name); value != "" {
			said += name + ": " + value + "\n"
		}
	}
	if a.body == "" {
		return said
	}
	return said + pretty(t, a.body)
}

var requestID = regexp.MustCompile(`req_[0-9a-v]{26}`)

// pretty indents JSON and replaces what differs from run to run.
func pretty(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return requestID.ReplaceAllString(strings.TrimSpace(b.String()), "req_…") + "\n"
}
