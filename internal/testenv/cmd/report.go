package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An event is a line that `go test -json` prints; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build event
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// A report turns the events of a run into what a reader needs: a short line for
// a package that passed, everything about a test that failed, and totals.
type report struct {
	out                     io.Writer
	passed, failed, skipped int

	packages map[string]*pkg
	reasons  map[string]int // why tests were skipped
	failures []string       // what failed, for the end
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*pkg{}, reasons: map[string]int{}}
}

// read reads events until the end. A line that is none is shown as it is.
func (r *report) read(in io.Reader) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
			r.add(e)
		} else if strings.TrimSpace(line) != "" {
			fmt.Fprintln(r.out, strings.TrimRight(line, "\n"))
		}
		if err != nil {
			return
		}
	}
}

func (r *report) add(e event) {
	if e.Action == "build-output" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &pkg{name: e.Package, tests: map[string]*test{}}
		r.packages[e.Package] = p
	}
	switch {
	case e.Test != "":
		p.addTest(e)
	case e.Action == "output":
		p.output = append(p.output, e.Output)
	case e.Action == "pass", e.Action == "fail", e.Action == "skip":
		p.ended = true
		r.close(p, e.Action, e.Elapsed)
	}
}

// finish closes the packages whose end was not told, as after a signal.
func (r *report) finish() {
	for _, name := range sortedKeys(r.packages) {
		if p := r.packages[name]; !p.ended {
			r.close(p, "fail", 0)
		}
	}
}

// close counts a package's tests and shows it.
func (r *report) close(p *pkg, action string, seconds float64) {
	t := p.count(action)
	r.passed, r.failed, r.skipped = r.passed+t.passed, r.failed+t.failed, r.skipped+t.skipped
	for _, test := range p.tests {
		if test.result == "skip" {
			r.reasons[test.reason()]++
		}
	}
	if action == "fail" {
		r.failures = append(r.failures, p.failures()...)
		fmt.Fprintf(r.out, "FAIL  %s  %.2fs\n", p.name, seconds)
		p.show(r.out)
		return
	}
	if t.passed+t.skipped == 0 {
		return // it has no tests
	}
	note := fmt.Sprintf("%d passed", t.passed)
	if t.skipped > 0 {
		note += fmt.Sprintf(", %d skipped", t.skipped)
	}
	if p.cached() {
		note += ", cached"
	}
	fmt.Fprintf(r.out, "ok    %s  %.2fs  %s\n", p.name, seconds, note)
}

// printTotals says why tests were skipped, what failed, and closes with the
// line of totals.
func (r *report) printTotals() {
	fmt.Fprintln(r.out)
	for _, reason := range sortedKeys(r.reasons) {
		fmt.Fprintf(r.out, "skipped %d: %s\n", r.reasons[reason], reason)
	}
	for _, name := range r.failures {
		fmt.Fprintf(r.out, "failed: %s\n", name)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
