package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// A pkg is what was told of one package.
type pkg struct {
	name   string
	tests  map[string]*test
	order  []string // names of tests as they began
	output []string // of no test
	ended  bool
}

// A test is what was told of one test or subtest.
type test struct {
	result   string // pass, fail, skip; empty while it runs
	subtests int
	broken   int // subtests that failed
	output   []string
}

// A tally counts tests.
type tally struct{ passed, failed, skipped int }

func (p *pkg) addTest(e event) {
	t := p.tests[e.Test]
	if t == nil {
		t = &test{}
		p.tests[e.Test] = t
		p.order = append(p.order, e.Test)
		if parent := p.parent(e.Test); parent != nil {
			parent.subtests++
		}
	}
	switch e.Action {
	case "output":
		t.output = append(t.output, e.Output)
	case "pass", "fail", "skip":
		t.result = e.Action
	}
}

// parent returns the test of which name is a subtest. A subtest's own name may
// contain slashes.
func (p *pkg) parent(name string) *test {
	for {
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return nil
		}
		name = name[:i]
		if t := p.tests[name]; t != nil {
			return t
		}
	}
}

// count counts the tests without subtests, and those that failed while all their
// subtests passed. A test still running when its package failed has failed; a
// package that failed without a failing test counts as one.
func (p *pkg) count(action string) tally {
	for i := len(p.order) - 1; i >= 0; i-- { // subtests before their parents
		t := p.tests[p.order[i]]
		if t.result == "" && action == "fail" {
			t.result = "fail"
		}
		if parent := p.parent(p.order[i]); parent != nil && t.result == "fail" {
			parent.broken++
		}
	}
	var sum tally
	for _, t := range p.tests {
		switch {
		case t.result == "fail" && t.broken == 0:
			sum.failed++
		case t.subtests > 0:
		case t.result == "pass":
			sum.passed++
		case t.result == "skip":
			sum.skipped++
		}
	}
	if action == "fail" && sum.failed == 0 {
		sum.failed = 1
	}
	return sum
}

// failures names what failed: tests, or the package.
func (p *pkg) failures() []string {
	var list []string
	for _, name := range p.order {
		if t := p.tests[name]; t.result == "fail" && t.broken == 0 {
			list = append(list, p.name+" "+name)
		}
	}
	if len(list) == 0 {
		list = []string{p.name}
	}
	return list
}

// show prints all that failing tests and the package itself printed.
func (p *pkg) show(out io.Writer) {
	for _, name := range p.order {
		t := p.tests[name]
		if t.result != "fail" {
			continue
		}
		for _, line := range t.output {
			if !progress.MatchString(line) {
				fmt.Fprint(out, line)
			}
		}
	}
	for _, line := range p.output {
		if line != "PASS\n" && line != "FAIL\n" && !strings.HasPrefix(line, "FAIL\t") {
			fmt.Fprint(out, line)
		}
	}
}

// cached reports whether the package was not run, as nothing had changed.
func (p *pkg) cached() bool {
	return strings.Contains(strings.Join(p.output, ""), "\t(cached)")
}

var (
	// progress is a line that tells of the order of tests, not of a failure.
	progress = regexp.MustCompile(`^=== (RUN|PAUSE|CONT|NAME) `)
	// logged is the place that testing puts before what a test logs.
	logged = regexp.MustCompile(`^\s+\S+\.go:\d+: `)
)

// reason returns why a test was skipped: the last that it logged.
func (t *test) reason() string {
	reason := "no reason given"
	for _, line := range t.output {
		if place := logged.FindString(line); place != "" {
			reason = strings.TrimSpace(line[len(place):])
		}
	}
	return reason
}
