package arch_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestPromisesNameTheirTests holds SECURITY.md to the tests that it names.
func TestPromisesNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := exec.Command("git", "-C", "../..", "ls-files", "*_test.go").Output()
	if err != nil {
		t.Skip("not in a git checkout: ", err)
	}
	defined := map[string]bool{}
	for _, file := range strings.Fields(string(files)) {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			continue // deleted and not committed yet
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			defined[m[1]] = true
		}
	}
	promises := 0
	for _, row := range regexp.MustCompile(`(?m)^\| [A-Z].*\|$`).FindAllString(string(page), -1) {
		names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(row, -1)
		if len(names) == 0 {
			t.Errorf("no test is named: %s", row)
		}
		for _, name := range names {
			promises++
			if !defined[name[1]] {
				t.Errorf("%s is not there: %s", name[1], row)
			}
		}
	}
	if promises < 10 {
		t.Errorf("only %d tests are named: the table was not read", promises)
	}
}
