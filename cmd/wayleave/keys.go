package main

import (
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func newKeys(c *cli) *cobra.Command {
	return c.clientVerb(group("keys", "Administrative keys", "Keys of people and programs that administer this tenant. Agents and workflows have their own: see `wayleave agents`.",
		newKeysList(c), newKeysCreate(c), newKeysRevoke(c)))
}

func newKeysList(c *cli) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the administrative keys; never the keys themselves", Args: takes(), RunE: func(cmd *cobra.Command, _ []string) error {
		cl, err := c.connectTo(cmd)
		if err != nil {
			return err
		}
		rows, err := cl.List(cmd.Context(), "/v1/keys", nil)
		if err != nil {
			return err
		}
		return c.printList(rows, "No key.", column{"NAME", "name"}, column{"ROLE", "role"}, column{"HINT", "hint"}, column{"CREATED", "created_at"}, column{"EXPIRES", "expires_at"}, column{"REVOKED", "revoked_at"}, column{"ID", "id"})
	}}
}

func newKeysCreate(c *cli) *cobra.Command {
	var role string
	var expires time.Duration
	cmd := &cobra.Command{Use: "create NAME", Short: "Make an administrative key, which is shown once", Args: takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if role == "" {
				return usage(cmd, "--role is missing: viewer, operator or admin")
			}
			body := map[string]any{"name": args[0], "role": role}
			if err := expiry(cmd, body, expires); err != nil {
				return err
			}
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			raw, err := cl.Send(cmd.Context(), http.MethodPost, "/v1/keys", body, nil)
			if err != nil {
				return err
			}
			return c.printIssued(raw, column{"ID", "id"}, column{"NAME", "name"}, column{"ROLE", "role"}, column{"EXPIRES", "expires_at"}, column{"KEY", "key"})
		}}
	cmd.Flags().StringVar(&role, "role", "", "viewer (reads), operator (checks and re-authorises) or admin (changes everything)")
	cmd.Flags().DurationVar(&expires, "expires-in", 0, "how long the key is valid, such as 720h (default: until it is revoked)")
	_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"viewer", "operator", "admin"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func newKeysRevoke(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "revoke KEY-ID", Short: "End an administrative key; it is refused everywhere within a second", Args: takes("KEY-ID"),
		ValidArgsFunction: c.names(0, "/v1/keys", "id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			if err := c.confirm(yes, "Revoking the key %s", args[0]); err != nil {
				return err
			}
			if _, err := cl.Send(cmd.Context(), http.MethodDelete, path("keys", args[0]), nil, nil); err != nil {
				return err
			}
			c.say("Revoked.")
			return nil
		}}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
