package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

// actorKind is agents or workflows, whose verbs are the same.
type actorKind struct {
	c      *cli
	noun   string // "agent" or "workflow"
	plural string // the path and the verb
	prefix string // of the ids
}

func newAgents(c *cli) *cobra.Command {
	return actorKind{c, "agent", "agents", "agt"}.command("Make agents and the keys that they call with")
}

func newWorkflows(c *cli) *cobra.Command {
	return actorKind{c, "workflow", "workflows", "wfl"}.command("Make workflows and the keys that their nodes call with")
}

func (k actorKind) command(short string) *cobra.Command {
	return k.c.clientVerb(group(k.plural, short, "", k.list(), k.create(), k.key(), k.keys(), k.revokeKey(), k.delete()))
}

// grantFlags is what a key may reach.
type grantFlags struct {
	environments, toolkits, tools []string
	readOnly                      bool
	expires                       time.Duration
}

func (g *grantFlags) add(c *cli, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&g.environments, "env", nil, "environments that the key reaches; may be repeated")
	f.StringSliceVar(&g.toolkits, "toolkit", nil, "toolkits that the key reaches (default: all)")
	f.StringSliceVar(&g.tools, "tool", nil, "tools that the key reaches, as <toolkit>_<tool> (default: all of its toolkits)")
	f.BoolVar(&g.readOnly, "read-only", false, "only tools that change nothing")
	f.DurationVar(&g.expires, "expires-in", 0, "how long the key is valid, such as 720h (default: until it is revoked)")
	c.flagNames(cmd, "env", "/v1/environments")
	c.flagNames(cmd, "toolkit", "/v1/toolkits", "slug")
}

// body returns the members of a request that grants a key.
func (g *grantFlags) body(cmd *cobra.Command) (map[string]any, error) {
	if len(g.environments) == 0 {
		return nil, usage(cmd, "--env is missing: a key reaches only the environments it names")
	}
	grant := map[string]any{"environments": g.environments}
	if len(g.toolkits) > 0 {
		grant["toolkits"] = g.toolkits
	}
	if len(g.tools) > 0 {
		grant["tools"] = g.tools
	}
	if g.readOnly {
		grant["read_only"] = true
	}
	body := map[string]any{"grant": grant}
	return body, expiry(cmd, body, g.expires)
}

// expiry adds when a key ends.
func expiry(cmd *cobra.Command, body map[string]any, in time.Duration) error {
	if in < 0 {
		return usage(cmd, "--expires-in must not be negative")
	}
	if in > 0 {
		body["expires_at"] = time.Now().UTC().Add(in).Truncate(time.Second).Format(time.RFC3339)
	}
	return nil
}

func (k actorKind) list() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the " + k.plural, Args: takes(), RunE: func(cmd *cobra.Command, _ []string) error {
		cl, err := k.c.connectTo(cmd)
		if err != nil {
			return err
		}
		rows, err := cl.List(cmd.Context(), path(k.plural), nil)
		if err != nil {
			return err
		}
		return k.c.printList(rows, "No "+k.noun+" yet. Make one with `wayleave "+k.plural+" create`.",
			column{"NAME", "name"}, column{"CREATED", "created_at"}, column{"ID", "id"})
	}}
}

func (k actorKind) create() *cobra.Command {
	var grant grantFlags
	cmd := &cobra.Command{Use: "create NAME", Short: "Make " + k.article() + " and its first key, which is shown once", Args: takes("NAME"),
		Example: "  wayleave " + k.plural + " create reporter --env dev --toolkit notes --read-only",
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := grant.body(cmd)
			if err != nil {
				return err
			}
			body["name"] = args[0]
			cl, err := k.c.connectTo(cmd)
			if err != nil {
				return err
			}
			raw, err := cl.Send(cmd.Context(), http.MethodPost, path(k.plural), body, nil)
			if err != nil {
				return err
			}
			return k.c.printIssued(raw, column{"ID", "id"}, column{"NAME", "name"}, column{"GRANT", "key.grant"}, column{"KEY ID", "key.id"}, column{"KEY", "key.key"})
		}}
	grant.add(k.c, cmd)
	return cmd
}

// printIssued prints a new key, and that it is shown only now.
func (c *cli) printIssued(raw json.RawMessage, columns ...column) error {
	if err := c.printOne(raw, columns...); err != nil {
		return err
	}
	c.say("\nThe key is shown only now. Keep it where secrets are kept.")
	return nil
}

// on returns a verb on the actor that its first argument names.
func (k actorKind) on(use, short string, args cobra.PositionalArgs, do func(*cobra.Command, *client.Client, string, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, ValidArgsFunction: k.c.names(0, "/v1/"+k.plural, "name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := k.c.connectTo(cmd)
			if err != nil {
				return err
			}
			id, err := resolve(cmd.Context(), cl, k.noun, path(k.plural), k.prefix, args[0], nil)
			if err != nil {
				return err
			}
			return do(cmd, cl, id, args)
		}}
}

func (k actorKind) key() *cobra.Command {
	var grant grantFlags
	cmd := k.on("key NAME", "Make a further key, which is shown once", takes("NAME"), func(cmd *cobra.Command, cl *client.Client, id string, _ []string) error {
		body, err := grant.body(cmd)
		if err != nil {
			return err
		}
		raw, err := cl.Send(cmd.Context(), http.MethodPost, path(k.plural, id, "keys"), body, nil)
		if err != nil {
			return err
		}
		return k.c.printIssued(raw, column{"KEY ID", "id"}, column{"GRANT", "grant"}, column{"EXPIRES", "expires_at"}, column{"KEY", "key"})
	})
	grant.add(k.c, cmd)
	return cmd
}

func (k actorKind) keys() *cobra.Command {
	return k.on("keys NAME", "List the keys; never the keys themselves", takes("NAME"), func(cmd *cobra.Command, cl *client.Client, id string, _ []string) error {
		rows, err := cl.List(cmd.Context(), path(k.plural, id, "keys"), nil)
		if err != nil {
			return err
		}
		return k.c.printList(rows, "No key.", column{"KEY ID", "id"}, column{"HINT", "hint"}, column{"GRANT", "grant"}, column{"CREATED", "created_at"}, column{"EXPIRES", "expires_at"}, column{"REVOKED", "revoked_at"})
	})
}

func (k actorKind) revokeKey() *cobra.Command {
	var yes bool
	cmd := k.on("revoke-key NAME KEY-ID", "End a key; it is refused everywhere within a second", takes("NAME", "KEY-ID"), func(cmd *cobra.Command, cl *client.Client, id string, args []string) error {
		if err := k.c.confirm(yes, "Revoking the key %s", args[1]); err != nil {
			return err
		}
		if _, err := cl.Send(cmd.Context(), http.MethodDelete, path(k.plural, id, "keys", args[1]), nil, nil); err != nil {
			return err
		}
		k.c.say("Revoked.")
		return nil
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (k actorKind) delete() *cobra.Command {
	var yes bool
	cmd := k.on("delete NAME", "Delete "+k.article()+"; its keys end within a second", takes("NAME"), func(cmd *cobra.Command, cl *client.Client, id string, args []string) error {
		if err := k.c.confirm(yes, "Deleting the %s %s and its keys", k.noun, args[0]); err != nil {
			return err
		}
		if _, err := cl.Send(cmd.Context(), http.MethodDelete, path(k.plural, id), nil, nil); err != nil {
			return err
		}
		k.c.say("Deleted.")
		return nil
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (k actorKind) article() string {
	if k.noun == "agent" {
		return "an agent"
	}
	return "a " + k.noun
}
