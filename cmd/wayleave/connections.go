package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

var connectionColumns = []column{{"ID", "id"}, {"NAME", "name"}, {"APP", "app"}, {"ENVIRONMENT", "environment"}, {"ACCOUNT", "identity.label"},
	{"STATUS", "status"}, {"REASON", "reason"}, {"SINCE", "status_since"}, {"AUTH CONFIG", "auth_config"}, {"SCHEME", "scheme"}, {"PARAMETERS", "params"},
	{"LAST USED", "health.last_used"}, {"LAST CHECKED", "health.last_checked"}, {"LAST FAILURE", "health.last_failure"}, {"FAILURE", "health.failure"}}

func newConnections(c *cli) *cobra.Command {
	cmd := group("connections", "See, check, rename, revoke and re-authorise connections", "",
		newConnectionsList(c),
		c.onConnection("show", "Show a connection and how it is doing", showConnection),
		newConnectionsCheck(c),
		newConnectionsRename(c),
		c.onConnection("revoke", "Take a connection back: it is refused everywhere within a second, for good", revokeConnection),
		c.onConnection("delete", "Delete a connection that no toolkit uses", deleteConnection),
		newReauthorize(c))
	return c.clientVerb(cmd)
}

func newConnectionsList(c *cli) *cobra.Command {
	var app, env string
	cmd := &cobra.Command{Use: "list", Short: "List connections and how they are doing", Args: takes(), RunE: func(cmd *cobra.Command, _ []string) error {
		cl, err := c.connectTo(cmd)
		if err != nil {
			return err
		}
		rows, err := cl.List(cmd.Context(), "/v1/connections", url.Values{"app": {app}, "environment": {env}})
		if err != nil {
			return err
		}
		return c.printList(rows, "No connection yet. Make one with `wayleave connect`.", column{"NAME", "name"}, column{"APP", "app"}, column{"ENVIRONMENT", "environment"},
			column{"STATUS", "status"}, column{"REASON", "reason"}, column{"LAST USED", "health.last_used"}, column{"ACCOUNT", "identity.label"}, column{"ID", "id"})
	}}
	cmd.Flags().StringVar(&app, "app", "", "only those of an app")
	cmd.Flags().StringVar(&env, "env", "", "only those of an environment")
	c.flagNames(cmd, "app", "/v1/apps", "slug")
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

// connectionVerb does one thing to the connection with an id.
type connectionVerb func(c *cli, cmd *cobra.Command, cl *client.Client, id string, yes bool) error

// onConnection returns a verb on the connection that its argument names.
func (c *cli) onConnection(verb, short string, do connectionVerb) *cobra.Command {
	var env string
	var yes bool
	cmd := &cobra.Command{Use: verb + " CONNECTION", Short: short, Args: takes("CONNECTION"),
		ValidArgsFunction: c.names(0, "/v1/connections", "name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			id, err := resolveConnection(cmd.Context(), cl, args[0], env)
			if err != nil {
				return err
			}
			return do(c, cmd, cl, id, yes)
		}}
	cmd.Flags().StringVar(&env, "env", "", "environment, where a name is used in several")
	if verb == "revoke" || verb == "delete" {
		cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	}
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

func showConnection(c *cli, cmd *cobra.Command, cl *client.Client, id string, _ bool) error {
	raw, err := cl.Get(cmd.Context(), path("connections", id), nil)
	if err != nil {
		return err
	}
	return c.printOne(raw, connectionColumns...)
}

func newConnectionsCheck(c *cli) *cobra.Command {
	return c.onConnection("check", "Send the app's test request over a connection; exit code 1 if it fails", func(c *cli, cmd *cobra.Command, cl *client.Client, id string, _ bool) error {
		var verdict struct {
			OK                 bool
			Code, Message, Fix string
		}
		raw, err := cl.Send(cmd.Context(), http.MethodPost, path("connections", id, "check"), nil, &verdict)
		if err != nil {
			return err
		}
		if err := c.printOne(raw, column{"OK", "ok"}, column{"ACCOUNT", "identity.label"}, column{"LATENCY (MS)", "latency_ms"}, column{"STATUS", "connection.status"}); err != nil {
			return err
		}
		if !verdict.OK {
			c.complain(verdict.Message, verdict.Code, nil, verdict.Fix)
			return errSaid
		}
		return nil
	})
}

func newConnectionsRename(c *cli) *cobra.Command {
	var name string
	cmd := c.onConnection("rename", "Give a connection another name", func(c *cli, cmd *cobra.Command, cl *client.Client, id string, _ bool) error {
		if name == "" {
			return usage(cmd, "--name is missing")
		}
		raw, err := cl.Send(cmd.Context(), http.MethodPatch, path("connections", id), map[string]string{"name": name}, nil)
		if err != nil {
			return err
		}
		return c.printOne(raw, connectionColumns...)
	})
	cmd.Flags().StringVar(&name, "name", "", "the new name")
	return cmd
}

func revokeConnection(c *cli, cmd *cobra.Command, cl *client.Client, id string, yes bool) error {
	if err := c.confirm(yes, "Revoking %s for good", id); err != nil {
		return err
	}
	raw, err := cl.Send(cmd.Context(), http.MethodPost, path("connections", id, "revoke"), nil, nil)
	if err != nil {
		return err
	}
	return c.printOne(raw, connectionColumns...)
}

func deleteConnection(c *cli, cmd *cobra.Command, cl *client.Client, id string, yes bool) error {
	if err := c.confirm(yes, "Deleting %s", id); err != nil {
		return err
	}
	if _, err := cl.Send(cmd.Context(), http.MethodDelete, path("connections", id), nil, nil); err != nil {
		return err
	}
	c.say("Deleted.")
	return nil
}

func newReauthorize(c *cli) *cobra.Command {
	var secrets secretInput
	var scheme string
	var confirmed bool
	cmd := c.onConnection("reauthorize", "Give a connection a new credential; the old one serves until the new one is green", func(c *cli, cmd *cobra.Command, cl *client.Client, id string, _ bool) error {
		fields, err := c.reauthorizeFields(cmd, cl, id, scheme, &secrets)
		if err != nil {
			return err
		}
		auth := map[string]any{"fields": fields}
		if scheme != "" {
			auth["scheme"] = scheme
		}
		var attempt struct{ ID string }
		if _, err := cl.Send(cmd.Context(), http.MethodPost, path("connections", id, "reauthorize"), map[string]any{"auth": auth}, &attempt); err != nil {
			return err
		}
		raw, err := test(cmd.Context(), cl, attempt.ID, confirmed)
		if err != nil {
			return err
		}
		return c.printOne(member(raw, "connection"), connectionColumns...)
	})
	secrets.flags(cmd)
	cmd.Flags().StringVar(&scheme, "scheme", "", "authenticate in another way of the app")
	cmd.Flags().BoolVar(&confirmed, "confirm-identity", false, "accept that the new credential belongs to another account")
	return cmd
}

// reauthorizeFields reads the new secrets, asking for what is missing.
func (c *cli) reauthorizeFields(cmd *cobra.Command, cl *client.Client, id, scheme string, in *secretInput) (map[string]string, error) {
	var conn struct{ App, Scheme string }
	if _, err := cl.Get(cmd.Context(), path("connections", id), &conn); err != nil {
		return nil, err
	}
	n := &connecting{cli: c, client: cl, scheme: scheme, secrets: *in}
	if n.scheme == "" {
		n.scheme = conn.Scheme
	}
	if _, err := cl.Get(cmd.Context(), path("apps", conn.App), &n.app); err != nil {
		return nil, err
	}
	s, err := n.pickScheme()
	if err != nil {
		return nil, err
	}
	return n.readFields(s)
}
