package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/internal/egress"
)

// settingFlags adds a flag for every setting that can be given by one.
func (c *cli) settingFlags(cmd *cobra.Command) *cobra.Command {
	if c.settings == nil {
		c.settings = map[string]*string{}
	}
	for _, k := range config.Keys() {
		name := k.Flag()
		if name == "" {
			continue
		}
		value := c.settings[k.Path]
		if value == nil {
			value = new(string)
			c.settings[k.Path] = value
		}
		doc, _, _ := strings.Cut(k.Doc, ". ")
		doc = strings.TrimSuffix(doc, ".")
		if k.Default != "" {
			doc += fmt.Sprintf(" (default %s)", k.Default)
		}
		cmd.Flags().StringVar(value, name, "", doc)
	}
	return cmd
}

// load reads the settings for a verb. Flags of settings count where the verb
// has them.
func (c *cli) load(cmd *cobra.Command) (*config.Config, error) {
	given := map[string]string{}
	for path, value := range c.settings {
		name := strings.NewReplacer(".", "-", "_", "-").Replace(path)
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			given[path] = *value
		}
	}
	return config.Load(config.Sources{File: c.configFile, Env: c.env, Flags: given, Checks: map[string]func(string) error{
		"egress.allow": func(s string) error { _, err := egress.ParseRule(s); return err },
	}})
}

// egressRules returns the allow rules and what is to be warned of.
func egressRules(cfg *config.Config) (rules []egress.Rule, warnings []string, err error) {
	for _, text := range cfg.Egress.Allow {
		rule, err := egress.ParseRule(text)
		if err != nil {
			return nil, nil, err
		}
		if w := rule.Warning(); w != "" {
			warnings = append(warnings, w)
		}
		rules = append(rules, rule)
	}
	return rules, warnings, nil
}

// makeDataDir makes the data directory for this user alone.
func makeDataDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fail("Choose another with data_dir, or correct its permissions.", "the data directory %s cannot be made: %v", path, err)
	}
	return nil
}
