package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
)

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```\n\n```json\n(.*?)```\n(?:\nKeep `([a-z_.]+)` as `([A-Z_]+)`)?")
	codeInRow  = regexp.MustCompile("`([a-z]+_[a-z_]+|conflict|internal|unauthenticated)`")
)

// TestRESTDocs runs the commands of docs/rest.md in order, as a reader would,
// and compares what they print with what the page says.
func TestRESTDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	if n := strings.Count(string(page), "```sh\n"); n != len(blocks) || n < 12 {
		t.Fatalf("%d commands, of which %d are followed by what they print", n, len(blocks))
	}
	w := newWorld(t, embedded)
	vars := map[string]string{"URL": w.url, "KEY": w.admin, "NOTES": w.dev.URL, "NOTES_KEY": devKey}
	for _, block := range blocks {
		command, printed, member, name := block[1], block[2], block[3], block[4]
		out := curl(t, command, vars)
		var got, want any
		if json.Unmarshal(out, &got) != nil || json.Unmarshal([]byte(printed), &want) != nil {
			t.Fatalf("%s\nprints %s\nwant %s", command, out, printed)
		}
		if at := differs(want, got, vars); at != "" {
			t.Errorf("%s\nprints %s\nwhich is not, at %s, %s", command, out, at, printed)
		}
		if name != "" {
			object, _ := got.(map[string]any)
			if vars[name] = (reply{json: object}).get(member); vars[name] == "" {
				t.Fatalf("%s is not in %s", member, out)
			}
		}
	}
}

// curl runs a command of the documentation with variables and returns what it
// prints.
func curl(t *testing.T, command string, vars map[string]string) []byte {
	t.Helper()
	program, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("REAL") == "1" {
			t.Fatal("curl is needed: ", err)
		}
		t.Skip("there is no curl: ", err)
	}
	rest, ok := strings.CutPrefix(command, "curl -s ")
	if !ok {
		t.Fatalf("it is no curl command: %s", command)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-eu", "-c", program+" -sS --max-time 60 "+rest)
	for k, v := range vars {
		shell.Env = append(shell.Env, k+"="+v)
	}
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", command, err, out)
	}
	return out
}

// TestMCPDocs runs the command of docs/mcp.md: the tools are listed by hand.
func TestMCPDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d commands, want the one that is run here", len(blocks))
	}
	w := newWorld(t, embedded)
	w.toolkit("notes", bind("dev", w.connect("dev", "Notes", w.dev.URL, devKey)))
	out := curl(t, blocks[0][1], map[string]string{"URL": w.url, "KEY": w.agent("reader", environmentsOf("dev"))})
	if !strings.Contains(string(out), `"notes_list_notes"`) {
		t.Errorf("it prints %s", out)
	}
}

// differs returns where got lacks something of want. "…" at the end of a text
// stands for anything, and $NAME for a variable.
func differs(want, got any, vars map[string]string) string {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, v := range want {
			if at := differs(v, object[name], vars); at != "" {
				return name + " " + at
			}
		}
		return ""
	case []any:
		list, _ := got.([]any)
		if len(list) < len(want) {
			return "a list that is shorter"
		}
		for i, v := range want {
			if at := differs(v, list[i], vars); at != "" {
				return "an item, " + at
			}
		}
		return ""
	case string:
		text, ok := got.(string)
		if name, isVar := strings.CutPrefix(want, "$"); isVar {
			want = vars[name]
		}
		start, open := strings.CutSuffix(want, "…")
		if !ok || text != want && (!open || text == "" || !strings.HasPrefix(text, start)) {
			return "the value"
		}
		return ""
	}
	if want != got {
		return "the value"
	}
	return ""
}

// TestRESTDocsKnowEveryCode: the table of what to do names every code of the
// vocabulary that a workflow node can meet, and no others.
func TestRESTDocsKnowEveryCode(t *testing.T) {
	page, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| what the node does | codes |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	named := map[string]bool{}
	for _, m := range codeInRow.FindAllStringSubmatch(table, -1) {
		named[m[1]] = true
	}
	delete(named, "retry_after")
	delete(named, "request_id")
	for _, k := range fault.Kinds() {
		switch k {
		case fault.TestFailed, fault.InUse, fault.PreconditionFailed: // only administrators meet these
			continue
		}
		if !named[string(k)] {
			t.Errorf("it does not say what to do about %s", k)
		}
		delete(named, string(k))
	}
	if len(named) > 0 {
		t.Errorf("it names %v", named)
	}
}
