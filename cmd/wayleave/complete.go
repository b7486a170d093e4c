package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeTime bounds how long a shell waits for names of a server.
const completeTime = 2 * time.Second

// names completes the argument at position at with the values that member has
// in a list of the server. A server that does not answer completes nothing:
// a shell has no place for an error.
func (c *cli) names(at int, list string, members ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) != at {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.fetchNames(cmd, list, nil, begun, members...), cobra.ShellCompDirectiveNoFileComp
	}
}

// flagNames completes the value of a flag in the same way.
func (c *cli) flagNames(cmd *cobra.Command, flag, list string, members ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return c.fetchNames(cmd, list, nil, begun, members...), cobra.ShellCompDirectiveNoFileComp
	})
}

func (c *cli) fetchNames(cmd *cobra.Command, list string, query url.Values, begun string, members ...string) []string {
	cl, err := c.connectTo(cmd)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeTime)
	defer cancel()
	rows, err := cl.List(ctx, list, query)
	if err != nil {
		return nil
	}
	var found []string
	for _, raw := range rows {
		for _, name := range memberTexts(raw, members) {
			if strings.HasPrefix(name, begun) {
				found = append(found, printable(name))
			}
		}
	}
	return found
}

// memberTexts returns a row's members; a row may be a plain string.
func memberTexts(raw json.RawMessage, members []string) []string {
	switch v := decode(raw).(type) {
	case string:
		return []string{v}
	case map[string]any:
		for _, m := range members {
			if text, ok := v[m].(string); ok && text != "" {
				return []string{text}
			}
		}
	}
	return nil
}
