package main

import (
	"net/http"

	"github.com/spf13/cobra"
)

func newTenants(c *cli) *cobra.Command {
	return c.clientVerb(group("tenants", "Companies that share this installation without seeing each other", "",
		&cobra.Command{Use: "list", Short: "List the tenants", Args: takes(), RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			rows, err := cl.List(cmd.Context(), "/v1/tenants", nil)
			if err != nil {
				return err
			}
			return c.printList(rows, "No tenant.", column{"NAME", "name"}, column{"CREATED", "created_at"}, column{"ID", "id"})
		}},
		&cobra.Command{Use: "create NAME", Short: "Make a tenant and its first administrator key, which is shown once", Args: takes("NAME"),
			RunE: func(cmd *cobra.Command, args []string) error {
				cl, err := c.connectTo(cmd)
				if err != nil {
					return err
				}
				raw, err := cl.Send(cmd.Context(), http.MethodPost, "/v1/tenants", map[string]string{"name": args[0]}, nil)
				if err != nil {
					return err
				}
				return c.printIssued(raw, column{"ID", "id"}, column{"NAME", "name"}, column{"ADMIN KEY", "admin_key"})
			}}))
}
