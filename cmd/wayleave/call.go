package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

const maxArguments = 4 << 20 // bytes

func newCall(c *cli) *cobra.Command {
	var env, arguments, label, once string
	var explain bool
	cmd := c.clientVerb(&cobra.Command{Use: "call TOOLKIT TOOL", Short: "Call a tool as a workflow node would, and print its result", Args: takes("TOOLKIT", "TOOL"),
		Long:    "Calls a tool with the key that is presented. The result goes to standard output as JSON, what it ran on to standard error.",
		Example: "  wayleave call notes list_notes --env dev --args '{\"limit\": 5}'\n  wayleave call notes create_note --env dev --args @note.json --idempotency-key order-42",
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := c.arguments(cmd, arguments)
			if err != nil {
				return err
			}
			cl, err := c.connectTo(cmd)
			if err != nil {
				return err
			}
			body := map[string]any{"arguments": given}
			if env != "" {
				body["environment"] = env
			}
			if label != "" {
				body["connection"] = label
			}
			request := client.Request{Method: http.MethodPost, Path: path("toolkits", args[0], "tools", args[1]), Body: body, Header: map[string]string{}}
			if once != "" {
				request.Header["Idempotency-Key"] = once
			}
			if explain {
				request.Path += "/explain"
			}
			raw, err := cl.Do(cmd.Context(), request)
			if err != nil {
				return err
			}
			if c.output == "json" || explain {
				return c.printRaw(raw)
			}
			return c.printResult(raw)
		}})
	f := cmd.Flags()
	f.StringVar(&env, "env", "", "environment to run in, where the key grants several")
	f.StringVar(&arguments, "args", "{}", "arguments as a JSON object, @file, or - for standard input")
	f.StringVar(&label, "connection", "", "label of the connection, where several are bound")
	f.StringVar(&once, "idempotency-key", "", "makes a write safe to repeat: the same key is carried out once")
	f.BoolVar(&explain, "explain", false, "say what would happen, without calling")
	c.flagNames(cmd, "env", "/v1/environments")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return c.fetchNames(cmd, path("toolkits", args[0], "tools"), url.Values{"environment": {env}}, begun, "name"), cobra.ShellCompDirectiveNoFileComp
		}
		return c.names(0, "/v1/toolkits", "slug")(cmd, args, begun)
	}
	return cmd
}

// arguments reads the arguments of a call.
func (c *cli) arguments(cmd *cobra.Command, text string) (json.RawMessage, error) {
	raw, from := []byte(text), "--args"
	switch {
	case text == "-":
		from = "standard input"
		read, err := io.ReadAll(io.LimitReader(c.in, maxArguments+1))
		if err != nil {
			return nil, err
		}
		raw = read
	case strings.HasPrefix(text, "@"):
		from = text[1:]
		read, err := os.ReadFile(from)
		if err != nil {
			return nil, fail("Check the path after @.", "the arguments cannot be read: %v", err)
		}
		raw = read
	}
	var object map[string]json.RawMessage
	if len(raw) > maxArguments || json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, usage(cmd, "%s does not hold a JSON object", from)
	}
	return raw, nil
}

// printResult prints what a tool returned, and on standard error what it ran
// on.
func (c *cli) printResult(raw json.RawMessage) error {
	v := decode(raw)
	note := "ran on " + cell(find(v, "connection.name")) + " in " + cell(find(v, "environment"))
	if account := cell(find(v, "connection.account")); account != "-" {
		note += " as " + account
	}
	if truncated, _ := find(v, "truncated").(bool); truncated {
		note += "; the result was cut to its limit"
	}
	if replayed, _ := find(v, "replayed").(bool); replayed {
		note += "; the answer of the earlier call with this key"
	}
	_, _ = io.WriteString(c.err, note+"\n")
	return c.printRaw(member(raw, "result"))
}
