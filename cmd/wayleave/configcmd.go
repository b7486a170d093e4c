package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/config"
)

func newConfig(c *cli) *cobra.Command {
	return group("config", "Show, check and explain the settings",
		"Settings come from a file, then WAYLEAVE_… variables, then flags; the later one wins.",
		c.settingFlags(&cobra.Command{Use: "show", Short: "Print every setting and where it came from, without secrets", Args: takes(),
			RunE: func(cmd *cobra.Command, _ []string) error { return c.configShow(cmd) }}),
		c.settingFlags(&cobra.Command{Use: "check", Short: "Tell everything that is wrong with the settings", Args: takes(),
			RunE: func(cmd *cobra.Command, _ []string) error { return c.configCheck(cmd) }}),
		&cobra.Command{Use: "keys", Short: "List every setting: key, variable, flag, default and meaning", Args: takes(),
			RunE: func(*cobra.Command, []string) error { return c.configKeys() }},
	)
}

func (c *cli) configShow(cmd *cobra.Command) error {
	cfg, err := c.load(cmd)
	if err != nil {
		return err
	}
	var rows []json.RawMessage
	for _, v := range cfg.Values() {
		from := v.Origin.Layer
		if v.Origin.Where != "" {
			from = v.Origin.Where
		}
		raw, err := json.Marshal(map[string]string{"key": v.Key, "value": v.Text, "source": from})
		if err != nil {
			return err
		}
		rows = append(rows, raw)
	}
	c.warnOf(cfg)
	return c.printList(rows, "", column{"KEY", "key"}, column{"VALUE", "value"}, column{"SOURCE", "source"})
}

func (c *cli) configCheck(cmd *cobra.Command) error {
	cfg, err := c.load(cmd)
	if err != nil {
		return err
	}
	c.warnOf(cfg)
	c.say("The configuration is valid.")
	return nil
}

// warnOf prints what is allowed but probably not meant.
func (c *cli) warnOf(cfg *config.Config) {
	_, more, _ := egressRules(cfg) // parsed when the settings were read
	for _, w := range append(cfg.Warnings(), more...) {
		_, _ = fmt.Fprintf(c.err, "warning: %s\n", printable(w))
	}
}

func (c *cli) configKeys() error {
	var rows []json.RawMessage
	for _, k := range config.Keys() {
		flag := ""
		if k.Flag() != "" {
			flag = "--" + k.Flag()
		}
		raw, err := json.Marshal(map[string]any{"key": k.Path, "variable": k.Env(), "flag": flag, "default": k.Default, "meaning": k.Doc, "secret": k.Secret})
		if err != nil {
			return err
		}
		rows = append(rows, raw)
	}
	return c.printList(rows, "", column{"KEY", "key"}, column{"VARIABLE", "variable"}, column{"FLAG", "flag"}, column{"DEFAULT", "default"}, column{"MEANING", "meaning"})
}
