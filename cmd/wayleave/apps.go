package main

import (
	"encoding/json"
	"net/url"

	"github.com/spf13/cobra"
)

func newApps(c *cli) *cobra.Command {
	return group("apps", "See which apps can be connected, and check definitions", "",
		newAppsList(c), newAppsShow(c), newAppsLint(c))
}

func newAppsList(c *cli) *cobra.Command {
	var category, words string
	cmd := c.clientVerb(&cobra.Command{Use: "list", Short: "List the apps of the gallery", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			rows, err := cl.List(cmd.Context(), "/v1/apps", url.Values{"category": {category}, "q": {words}})
			if err != nil {
				return err
			}
			return c.printList(rows, "No app fits.", column{"APP", "slug"}, column{"TITLE", "title"}, column{"TOOLS", "tools"}, column{"CATEGORIES", "categories"}, column{"SUMMARY", "summary"})
		}})
	cmd.Flags().StringVar(&category, "category", "", "only those of a category")
	cmd.Flags().StringVarP(&words, "search", "q", "", "only those with these words")
	return cmd
}

// appDetail is what is shown of one app.
type appDetail struct {
	Slug   string      `json:"slug"`
	Title  string      `json:"title"`
	Params []appParam  `json:"params"`
	Auth   []appScheme `json:"auth"`
	Tools  []struct {
		Name, Title string
		Annotations struct {
			ReadOnly bool `json:"read_only"`
		}
	} `json:"tools"`
}

type appParam struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Help     string `json:"help"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Default  any    `json:"default"`
	Example  any    `json:"example"`
}

type appScheme struct {
	ID     string     `json:"id"`
	Type   string     `json:"type"`
	Title  string     `json:"title"`
	Help   string     `json:"help"`
	Fields []appField `json:"fields"`
}

type appField struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Help      string `json:"help"`
	Sensitive bool   `json:"sensitive"`
	Required  bool   `json:"required"`
}

func newAppsShow(c *cli) *cobra.Command {
	return c.clientVerb(&cobra.Command{Use: "show APP", Short: "Show what an app needs and which tools it has", Args: takes("APP"),
		ValidArgsFunction: c.names(0, "/v1/apps", "slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			var app appDetail
			raw, err := cl.Get(cmd.Context(), path("apps", args[0]), &app)
			if err != nil {
				return err
			}
			if c.output == "json" {
				return c.printRaw(raw)
			}
			return c.printApp(raw, app)
		}})
}

func (c *cli) printApp(raw json.RawMessage, app appDetail) error {
	if err := c.printOne(raw, column{"App", "slug"}, column{"Title", "title"}, column{"Summary", "summary"}, column{"Documentation", "docs_url"}, column{"Make a key at", "setup_url"}); err != nil {
		return err
	}
	c.say("\nParameters:")
	for _, p := range app.Params {
		c.say("  %-16s %s%s", p.Name, p.Title, needed(p.Required))
	}
	if len(app.Params) == 0 {
		c.say("  none")
	}
	c.say("\nAuthentication:")
	for _, s := range app.Auth {
		c.say("  %-16s %s", s.ID, s.Title)
		for _, f := range s.Fields {
			c.say("    %-14s %s%s", f.Name, f.Title, needed(f.Required))
		}
	}
	c.say("\nTools:")
	for _, t := range app.Tools {
		kind := "writes"
		if t.Annotations.ReadOnly {
			kind = "reads"
		}
		c.say("  %-24s %-7s %s", t.Name, kind, t.Title)
	}
	return nil
}

func needed(required bool) string {
	if required {
		return " (required)"
	}
	return ""
}
