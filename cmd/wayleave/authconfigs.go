package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

var authConfigColumns = []column{{"ID", "id"}, {"NAME", "name"}, {"APP", "app"}, {"ENVIRONMENT", "environment"}, {"SCHEME", "scheme"},
	{"SECRETS SET", "fields"}, {"HOSTS", "hosts"}, {"ROTATED", "rotated_at"}}

func newAuthConfigs(c *cli) *cobra.Command {
	cmd := group("auth-configs", "See, rotate and delete what apps are authenticated with", "",
		newAuthConfigsList(c),
		c.onAuthConfig("show", "Show an auth config; never its secrets", func(cmd *cobra.Command, cl *client.Client, id string) error {
			raw, err := cl.Get(cmd.Context(), path("auth-configs", id), nil)
			if err != nil {
				return err
			}
			return c.printOne(raw, authConfigColumns...)
		}),
		newRotate(c), newAuthConfigsDelete(c))
	return c.clientVerb(cmd)
}

func newAuthConfigsList(c *cli) *cobra.Command {
	var app, env string
	cmd := &cobra.Command{Use: "list", Short: "List the auth configs", Args: takes(), RunE: func(cmd *cobra.Command, _ []string) error {
		cl, err := c.connectTo(cmd)
		if err != nil {
			return err
		}
		rows, err := cl.List(cmd.Context(), "/v1/auth-configs", url.Values{"app": {app}, "environment": {env}})
		if err != nil {
			return err
		}
		return c.printList(rows, "No auth config yet.", column{"NAME", "name"}, column{"APP", "app"}, column{"ENVIRONMENT", "environment"},
			column{"SCHEME", "scheme"}, column{"SECRETS SET", "fields"}, column{"ROTATED", "rotated_at"}, column{"ID", "id"})
	}}
	cmd.Flags().StringVar(&app, "app", "", "only those of an app")
	cmd.Flags().StringVar(&env, "env", "", "only those of an environment")
	c.flagNames(cmd, "app", "/v1/apps", "slug")
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

// onAuthConfig returns a verb on the auth config that its argument names.
func (c *cli) onAuthConfig(verb, short string, do func(*cobra.Command, *client.Client, string) error) *cobra.Command {
	return &cobra.Command{Use: verb + " AUTH-CONFIG", Short: short, Args: takes("AUTH-CONFIG"),
		ValidArgsFunction: c.names(0, "/v1/auth-configs", "name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			id, err := resolveAuthConfig(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			return do(cmd, cl, id)
		}}
}

func newRotate(c *cli) *cobra.Command {
	var secrets secretInput
	var skip bool
	cmd := c.onAuthConfig("rotate", "Replace secrets of an auth config; all its connections follow", func(cmd *cobra.Command, cl *client.Client, id string) error {
		fields, err := c.rotateFields(cmd, cl, id, &secrets)
		if err != nil {
			return err
		}
		body := map[string]any{"fields": fields}
		if skip {
			body["skip_test"] = true
		}
		raw, err := cl.Send(cmd.Context(), http.MethodPatch, path("auth-configs", id), body, nil)
		if err != nil {
			return err
		}
		return c.printOne(raw, authConfigColumns...)
	})
	secrets.flags(cmd)
	cmd.Flags().BoolVar(&skip, "skip-test", false, "store the new secrets without testing them over a connection first")
	return cmd
}

// rotateFields reads the secrets to replace: those given, or on a terminal each
// that is set, where an empty answer keeps it.
func (c *cli) rotateFields(cmd *cobra.Command, cl *client.Client, id string, in *secretInput) (map[string]string, error) {
	fields, err := in.read(c)
	if err != nil || len(fields) > 0 {
		return fields, err
	}
	if !c.interactive() {
		return nil, fail("Give them with --secret-file NAME=PATH or --secrets-stdin.", "there is no secret to replace")
	}
	var cfg struct{ Fields []string }
	if _, err := cl.Get(cmd.Context(), path("auth-configs", id), &cfg); err != nil {
		return nil, err
	}
	for _, name := range cfg.Fields {
		value, err := c.askSecret("New " + name + ", empty to keep it")
		if err != nil {
			return nil, err
		}
		if value != "" {
			fields[name] = value
		}
	}
	if len(fields) == 0 {
		return nil, fail("", "nothing was changed")
	}
	return fields, nil
}

func newAuthConfigsDelete(c *cli) *cobra.Command {
	var yes bool
	cmd := c.onAuthConfig("delete", "Delete an auth config that no connection uses", func(cmd *cobra.Command, cl *client.Client, id string) error {
		if err := c.confirm(yes, "Deleting %s", id); err != nil {
			return err
		}
		if _, err := cl.Send(cmd.Context(), http.MethodDelete, path("auth-configs", id), nil, nil); err != nil {
			return err
		}
		c.say("Deleted.")
		return nil
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
