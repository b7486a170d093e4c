package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
	"github.com/wayleave/wayleave/toolkits/catalog"
)

// loadApps returns the gallery and then the operator's own definitions, which
// replace those of the same slug. One that is wrong refuses to start, with
// everything that is wrong in any of them.
func loadApps(dir string) ([]*apps.App, error) {
	gallery, err := catalog.Apps()
	if err != nil || dir == "" {
		return gallery, err
	}
	files, err := definitionFiles(dir)
	if err != nil {
		return nil, err
	}
	own, err := parseFiles(files)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(gallery), own...), nil
}

// definitionFiles returns the definitions in a directory, without those of
// directories below it.
func definitionFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fail("Check apps_dir.", "the app definitions in %s cannot be read: %v", dir, plainError(err))
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext == ".yaml" || ext == ".yml" {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// parseFiles reads definitions, and tells the problems of all of them at once.
func parseFiles(files []string) ([]*apps.App, error) {
	var all []*apps.App
	var problems []fault.Problem
	for _, file := range files {
		app, err := parseFile(file)
		if err != nil {
			problems = append(problems, problemsOf(file, err)...)
			continue
		}
		all = append(all, app)
	}
	if len(problems) > 0 {
		f := fault.New(fault.InvalidInput, "app definitions are not valid").WithFix("Correct them; `wayleave apps lint` checks them.")
		f.Problems = problems
		return nil, f
	}
	return all, nil
}

const maxDefinition = 4 << 20 // bytes read of a file; the parser's own limit is lower

func parseFile(file string) (*apps.App, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a file")
	case info.Size() > maxDefinition:
		return nil, errors.New("is too large for an app definition")
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return apps.Parse(file, src)
}

// problemsOf returns what is wrong with one file.
func problemsOf(file string, err error) []fault.Problem {
	var f *fault.Error
	if errors.As(err, &f) {
		if len(f.Problems) > 0 {
			return f.Problems
		}
		return []fault.Problem{{Path: file, Message: f.Msg}}
	}
	return []fault.Problem{{Path: file, Message: plainError(err).Error()}}
}

// plainError returns the cause of a file error without the path, which the
// message names already.
func plainError(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
