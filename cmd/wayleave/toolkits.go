package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// toolkit is what the verbs need of a toolkit.
type toolkit struct {
	ID       string      `json:"id"`
	Slug     string      `json:"slug"`
	App      string      `json:"app"`
	Tools    []string    `json:"tools"`
	Bindings []binding   `json:"bindings"`
	Version  json.Number `json:"version"`
}

type binding struct {
	Environment string `json:"environment"`
	Label       string `json:"label,omitempty"`
	Connection  string `json:"connection"`
}

// without returns the bindings but the one of an environment and label.
func (t toolkit) without(environment, label string) []binding {
	return slices.DeleteFunc(slices.Clone(t.Bindings), func(b binding) bool { return b.Environment == environment && b.Label == label })
}

var toolkitColumns = []column{{"ID", "id"}, {"SLUG", "slug"}, {"APP", "app"}, {"TOOLS", "tools"}, {"BINDINGS", "bindings"}, {"NOT BOUND", "missing"}}

func newToolkits(c *cli) *cobra.Command {
	cmd := group("toolkits", "Offer an app's tools to agents and workflows, bound per environment", "",
		newToolkitsList(c), newToolkitsShow(c), newToolkitsCreate(c), newToolkitsBind(c), newToolkitsUnbind(c), newToolkitsTools(c), newToolkitsDelete(c))
	return c.clientVerb(cmd)
}

func newToolkitsList(c *cli) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the toolkits", Args: takes(), RunE: func(cmd *cobra.Command, _ []string) error {
		cl, err := c.connectTo(cmd)
		if err != nil {
			return err
		}
		rows, err := cl.List(cmd.Context(), "/v1/toolkits", nil)
		if err != nil {
			return err
		}
		return c.printList(rows, "No toolkit yet. Make one with `wayleave toolkits create`.",
			column{"SLUG", "slug"}, column{"APP", "app"}, column{"TITLE", "title"}, column{"NOT BOUND", "missing"}, column{"ID", "id"})
	}}
}

func newToolkitsShow(c *cli) *cobra.Command {
	return &cobra.Command{Use: "show TOOLKIT", Short: "Show a toolkit and its bindings", Args: takes("TOOLKIT"),
		ValidArgsFunction: c.names(0, "/v1/toolkits", "slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			raw, err := cl.Get(cmd.Context(), path("toolkits", args[0]), nil)
			if err != nil {
				return err
			}
			return c.printOne(raw, toolkitColumns...)
		}}
}

func newToolkitsCreate(c *cli) *cobra.Command {
	var app, title string
	var tools, binds []string
	cmd := &cobra.Command{Use: "create SLUG", Short: "Make a toolkit", Args: takes("SLUG"),
		Example: "  wayleave toolkits create crm --app notes --bind dev=conn_… --bind prod=conn_…",
		RunE: func(cmd *cobra.Command, args []string) error {
			if app == "" {
				return usage(cmd, "--app is missing")
			}
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			body := map[string]any{"slug": args[0], "app": app}
			if title != "" {
				body["title"] = title
			}
			if len(tools) > 0 {
				body["tools"] = tools
			}
			bindings := []binding{}
			for _, text := range binds {
				env, name, ok := strings.Cut(text, "=")
				if !ok {
					return usage(cmd, "--bind %q does not have the form environment=connection", text)
				}
				id, err := resolveConnection(cmd.Context(), cl, name, env)
				if err != nil {
					return err
				}
				bindings = append(bindings, binding{Environment: env, Connection: id})
			}
			body["bindings"] = bindings
			raw, err := cl.Send(cmd.Context(), http.MethodPost, "/v1/toolkits", body, nil)
			if err != nil {
				return err
			}
			return c.printOne(raw, toolkitColumns...)
		}}
	cmd.Flags().StringVar(&app, "app", "", "the app whose tools it offers")
	cmd.Flags().StringVar(&title, "title", "", "title, for people")
	cmd.Flags().StringSliceVar(&tools, "tools", nil, "tools to offer, separated by commas (default: all)")
	cmd.Flags().StringArrayVar(&binds, "bind", nil, "bind a connection, as environment=name or id; may be repeated")
	c.flagNames(cmd, "app", "/v1/apps", "slug")
	return cmd
}

func newToolkitsBind(c *cli) *cobra.Command {
	var env, label string
	cmd := &cobra.Command{Use: "bind TOOLKIT CONNECTION", Short: "Bind a connection to a toolkit in an environment", Args: takes("TOOLKIT", "CONNECTION"),
		ValidArgsFunction: c.names(0, "/v1/toolkits", "slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if env == "" {
				return usage(cmd, "--env is missing")
			}
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			id, err := resolveConnection(cmd.Context(), cl, args[1], env)
			if err != nil {
				return err
			}
			raw, err := bindConnection(cmd.Context(), cl, args[0], "", binding{env, label, id})
			if err != nil {
				return err
			}
			return c.printOne(raw, toolkitColumns...)
		}}
	cmd.Flags().StringVar(&env, "env", "", "environment to bind it in")
	cmd.Flags().StringVar(&label, "label", "", "label to tell several connections of one environment apart by")
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

func newToolkitsUnbind(c *cli) *cobra.Command {
	var env, label string
	cmd := &cobra.Command{Use: "unbind TOOLKIT", Short: "Take a binding out of a toolkit", Args: takes("TOOLKIT"),
		ValidArgsFunction: c.names(0, "/v1/toolkits", "slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if env == "" {
				return usage(cmd, "--env is missing")
			}
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			var t toolkit
			if _, err := cl.Get(cmd.Context(), path("toolkits", args[0]), &t); err != nil {
				return err
			}
			rest := t.without(env, label)
			if len(rest) == len(t.Bindings) {
				return fail("See `wayleave toolkits show "+t.Slug+"`.", "%s has no such binding in %s", t.Slug, env)
			}
			raw, err := setBindings(cmd.Context(), cl, t, rest)
			if err != nil {
				return err
			}
			return c.printOne(raw, toolkitColumns...)
		}}
	cmd.Flags().StringVar(&env, "env", "", "environment to unbind")
	cmd.Flags().StringVar(&label, "label", "", "label of the binding")
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

func newToolkitsTools(c *cli) *cobra.Command {
	var env string
	cmd := &cobra.Command{Use: "tools TOOLKIT", Short: "List the tools that this key may call", Args: takes("TOOLKIT"),
		ValidArgsFunction: c.names(0, "/v1/toolkits", "slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			rows, err := cl.List(cmd.Context(), path("toolkits", args[0], "tools"), url.Values{"environment": {env}})
			if err != nil {
				return err
			}
			return c.printList(rows, "No tool is granted.", column{"TOOL", "name"}, column{"READS ONLY", "annotations.read_only"}, column{"TITLE", "title"})
		}}
	cmd.Flags().StringVar(&env, "env", "", "environment, where the key grants several")
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

func newToolkitsDelete(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "delete TOOLKIT", Short: "Delete a toolkit; its connections stay", Args: takes("TOOLKIT"),
		ValidArgsFunction: c.names(0, "/v1/toolkits", "slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			if err := c.confirm(yes, "Deleting the toolkit %s", args[0]); err != nil {
				return err
			}
			if _, err := cl.Send(cmd.Context(), http.MethodDelete, path("toolkits", args[0]), nil, nil); err != nil {
				return err
			}
			c.say("Deleted.")
			return nil
		}}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
