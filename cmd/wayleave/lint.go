package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// maxDefinitions bounds what one run of lint reads.
const maxDefinitions = 20_000

func newAppsLint(c *cli) *cobra.Command {
	return &cobra.Command{Use: "lint FILE|DIR|-...", Short: "Check app definitions: files, directories or standard input",
		Long: "Checks app definitions without a server, and tells every problem by file and line. Directories are read with those below them; links in them are not followed.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "FILE is missing")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return c.lint(args) }}
}

func (c *cli) lint(args []string) error {
	var problems []fault.Problem
	checked := 0
	for _, arg := range args {
		if arg == "-" {
			problems, checked = append(problems, c.lintInput()...), checked+1
			continue
		}
		files, err := lintFiles(arg)
		if err != nil {
			problems = append(problems, fault.Problem{Path: arg, Message: plainError(err).Error()})
		}
		for _, file := range files {
			if _, err := parseFile(file); err != nil {
				problems = append(problems, problemsOf(file, err)...)
			}
			checked++
		}
	}
	if c.output == "json" {
		if err := c.printJSON(map[string]any{"checked": checked, "problems": append([]fault.Problem{}, problems...)}); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			_, _ = fmt.Fprintln(c.err, printable(p.Path+": "+p.Message))
		}
		c.say("%d checked, %d problems", checked, len(problems))
	}
	if len(problems) > 0 {
		return errSaid
	}
	return nil
}

func (c *cli) lintInput() []fault.Problem {
	src, err := io.ReadAll(io.LimitReader(c.in, maxDefinition))
	if err == nil {
		_, err = apps.Parse("<stdin>", src)
	}
	if err != nil {
		return problemsOf("<stdin>", err)
	}
	return nil
}

var errTooMany = errors.New("more files than one run checks")

// lintFiles returns a file itself, or the definitions in and below a
// directory. Links below it are not followed, so that a loop of them ends.
func lintFiles(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{arg}, nil
	}
	var files []string
	err = filepath.WalkDir(arg, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); e.Type().IsRegular() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, path)
		}
		if len(files) > maxDefinitions {
			return errTooMany
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = errors.New("holds no .yaml file")
	}
	return files, err
}
