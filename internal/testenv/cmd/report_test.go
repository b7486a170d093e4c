package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goTest runs `go test` in a module of one package with this test file, and
// returns what the report shows of it.
func goTest(t *testing.T, source string, args ...string) (shown string, r *report) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module sample\n\ngo 1.26\n", "sample_test.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	words, counted := withJSON(append([]string{"go", "test", "./..."}, args...))
	if !counted {
		t.Fatal("a go test is not counted")
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	events, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var b strings.Builder
	r = newReport(&b)
	r.read(strings.NewReader(string(events)))
	r.finish()
	r.printTotals()
	return b.String(), r
}

func TestReportOfRealRuns(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		last   string
		shows  []string
		hides  []string
	}{
		"everything passes": {
			source: "package sample\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Log(\"chatter\"); t.Run(\"x\", func(t *testing.T) {}); t.Run(\"y/z\", func(t *testing.T) {}) }\nfunc TestB(t *testing.T) {}\n",
			last:   "3 passed, 0 failed, 0 skipped",
			shows:  []string{"ok    sample"},
			hides:  []string{"chatter", "=== RUN"},
		},
		"a subtest fails": {
			source: "package sample\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Run(\"x\", func(t *testing.T) { t.Error(\"wrong answer\") }); t.Run(\"y\", func(t *testing.T) {}) }\nfunc TestB(t *testing.T) { t.Log(\"chatter\") }\n",
			last:   "2 passed, 1 failed, 0 skipped",
			shows:  []string{"FAIL  sample", "wrong answer", "--- FAIL: TestA/x", "failed: sample TestA/x"},
			hides:  []string{"chatter", "failed: sample TestA\n"},
		},
		"a parent fails by itself": {
			source: "package sample\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Run(\"x\", func(t *testing.T) {}); t.Error(\"afterwards\") }\n",
			last:   "1 passed, 1 failed, 0 skipped",
			shows:  []string{"afterwards", "failed: sample TestA\n"},
		},
		"tests are skipped": {
			source: "package sample\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Skip(\"no moon\") }\nfunc TestB(t *testing.T) { t.Skip(\"no moon\") }\nfunc TestC(t *testing.T) {}\n",
			last:   "1 passed, 0 failed, 2 skipped",
			shows:  []string{"1 passed, 2 skipped", "skipped 2: no moon"},
		},
		"a test panics while another waits": {
			source: "package sample\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Parallel(); select {} }\nfunc TestB(t *testing.T) { t.Parallel(); panic(\"out of its mind\") }\n",
			last:   "0 passed, 2 failed, 0 skipped",
			shows:  []string{"out of its mind"},
		},
		"it does not compile": {
			source: "package sample\nfunc f() { nonsense() }\n",
			last:   "0 passed, 1 failed, 0 skipped",
			shows:  []string{"undefined: nonsense", "failed: sample\n"},
		},
		"the program exits": {
			source: "package sample\nimport (\"os\"; \"testing\")\nfunc TestMain(m *testing.M) { m.Run(); println(\"too late\"); os.Exit(3) }\nfunc TestA(t *testing.T) {}\n",
			last:   "1 passed, 1 failed, 0 skipped",
			shows:  []string{"too late"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			shown, _ := goTest(t, tc.source)
			lines := strings.Split(strings.TrimSpace(shown), "\n")
			if got := lines[len(lines)-1]; got != tc.last {
				t.Errorf("the last line is %q, want %q", got, tc.last)
			}
			for _, want := range tc.shows {
				if !strings.Contains(shown, want) {
					t.Errorf("%q is not shown", want)
				}
			}
			for _, hidden := range tc.hides {
				if strings.Contains(shown, hidden) {
					t.Errorf("%q is shown", hidden)
				}
			}
			if t.Failed() {
				t.Log(shown)
			}
		})
	}
}

func TestReportCountsATestThatWasCutOff(t *testing.T) {
	var b strings.Builder
	r := newReport(&b)
	r.read(strings.NewReader(`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"half a sto`))
	r.finish()
	if r.failed != 1 || !slices.Equal(r.failures, []string{"p TestA"}) {
		t.Errorf("%d failed, %v; want the test that had not ended", r.failed, r.failures)
	}
}

func TestWithJSON(t *testing.T) {
	for _, tc := range []struct {
		args, want string
		counted    bool
	}{
		{"go test -race ./...", "go test -json -race ./...", true},
		{"go test -json ./...", "go test -json ./...", false},
		{"go test -run ^$ -bench . ./...", "go test -run ^$ -bench . ./...", false},
		{"go test ./bench", "go test -json ./bench", true},
		{"go vet ./...", "go vet ./...", false},
		{"go", "go", false},
	} {
		got, counted := withJSON(strings.Fields(tc.args))
		if strings.Join(got, " ") != tc.want || counted != tc.counted {
			t.Errorf("withJSON(%s) = %v, %v; want %s, %v", tc.args, got, counted, tc.want, tc.counted)
		}
	}
}
