package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Bounds on what the product stands on.
const (
	maxDirect = 25 // modules that our own packages, tests included, import
	maxLinked = 80 // modules in the binary
)

// goTool runs the go command in the module and returns what it prints.
func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return out
}

// A listed package, as `go list -json` shows it.
type listed struct {
	ImportPath string
	Module     *struct {
		Path, Dir string
		Main      bool
	}
}

// list returns what `go list` says of packages.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	var packages []listed
	in := json.NewDecoder(bytes.NewReader(goTool(t, append([]string{"list", "-json=ImportPath,Module"}, args...)...)))
	for {
		var p listed
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module != nil && !p.Module.Main {
			packages = append(packages, p)
		}
	}
}

// A replace or exclude would break `go install` of a release.
func TestGoModIsPlain(t *testing.T) {
	var mod struct{ Replace, Exclude, Retract []any }
	if err := json.Unmarshal(goTool(t, "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace)+len(mod.Exclude)+len(mod.Retract) > 0 {
		t.Errorf("go.mod replaces %v, excludes %v, retracts %v; want none of these", mod.Replace, mod.Exclude, mod.Retract)
	}
}

func TestFewModulesAreUsedDirectly(t *testing.T) {
	var outside []string
	for _, f := range allFiles(t) {
		for _, path := range f.imports() {
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && path != module && !strings.HasPrefix(path, module+"/") {
				outside = append(outside, path)
			}
		}
	}
	slices.Sort(outside)
	var modules []string
	for _, p := range list(t, slices.Compact(outside)...) {
		modules = append(modules, p.Module.Path)
	}
	slices.Sort(modules)
	modules = slices.Compact(modules)
	if len(modules) == 0 || len(modules) > maxDirect {
		t.Errorf("%d modules are imported, want at most %d: %s", len(modules), maxDirect, strings.Join(modules, " "))
	}
}

// linked returns the folder of each module in the binary.
func linked(t *testing.T) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for _, p := range list(t, "-deps", "./cmd/wayleave") {
		modules[p.Module.Path] = p.Module.Dir
	}
	if len(modules) == 0 {
		t.Fatal("no module is linked")
	}
	return modules
}

func TestFewModulesAreLinked(t *testing.T) {
	if n := len(linked(t)); n > maxLinked {
		t.Errorf("%d modules are linked, want at most %d", n, maxLinked)
	}
}

func TestLinkedModulesAreLicensedWell(t *testing.T) {
	for name, dir := range linked(t) {
		own, others, err := licences(dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Contains([]string{"MIT", "BSD", "ISC", "Apache-2.0", "MPL-2.0"}, own) {
			t.Errorf("%s is under the licence %q", name, own)
		}
		if slices.Contains(others, "GPL") || slices.Contains(others, "BUSL") {
			t.Errorf("%s contains what is under %v", name, others)
		}
	}
}

// licences returns the kind of a module's licence, and the kinds of those that
// stand beside it, such as LICENSE-GO for parts that came from elsewhere.
func licences(dir string) (own string, others []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		if entry.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", nil, err
		}
		kind := licenceOf(string(text))
		if stem := strings.TrimSuffix(name, filepath.Ext(name)); stem == "LICENSE" || stem == "LICENCE" || stem == "COPYING" {
			own = kind
		} else {
			others = append(others, kind)
		}
	}
	if own == "" && err == nil {
		err = errors.New("no licence text was found")
	}
	return own, others, err
}

// licenceOf recognises a licence by the words that every copy of it has. Those
// that name other licences in their text come first.
func licenceOf(text string) string {
	words := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, known := range []struct{ name, phrase string }{
		{"BUSL", "business source license"},
		{"MPL-2.0", "mozilla public license"},
		{"GPL", "gnu affero general public license"},
		{"GPL", "gnu general public license"},
		{"GPL", "gnu lesser general public license"},
		{"Apache-2.0", "apache license"},
		{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"BSD", "redistribution and use in source and binary forms, with or without"},
		{"ISC", "permission to use, copy, modify, and"},
	} {
		if strings.Contains(words, known.phrase) {
			return known.name
		}
	}
	return "unknown"
}

func TestLicenceOf(t *testing.T) {
	for text, want := range map[string]string{
		"Business Source License 1.1 … the Mozilla Public License 2.0 from the change date":              "BUSL",
		"Mozilla Public License, version 2.0 … “Secondary License” means the GNU General Public License": "MPL-2.0",
		"GNU LESSER GENERAL\n PUBLIC LICENSE":                                           "GPL",
		"Permission to use, copy, modify, and distribute this software for any purpose": "ISC",
		"All rights reserved.":                                                          "unknown",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("licenceOf(%q) = %s, want %s", text, got, want)
		}
	}
}
