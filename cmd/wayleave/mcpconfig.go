package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// mcpClient is a program that agents run in: how it is told of a server.
type mcpClient struct {
	where   string                  // which file, or that it is a command
	snippet func(url string) string // with the client's own way to name a variable
}

// mcpClients are the clients that mcp-config knows. Each snippet names the
// variable WAYLEAVE_KEY, as the client itself reads variables, and no key.
var mcpClients = map[string]mcpClient{
	"claude-code": {"Run this in your project, with WAYLEAVE_KEY set where Claude Code is started. It writes .mcp.json:", func(url string) string {
		return fmt.Sprintf("claude mcp add --transport http --scope project wayleave %s --header 'Authorization: Bearer ${WAYLEAVE_KEY}'", url)
	}},
	"claude-desktop": {"Add this to claude_desktop_config.json (Settings → Developer → Edit Config), and put the key in place of ${WAYLEAVE_KEY}: Claude Desktop reads no variables there.", func(string) string {
		return `{
  "mcpServers": {
    "wayleave": {
      "command": "wayleave",
      "args": ["mcp"%ENV%],
      "env": { "WAYLEAVE_KEY": "${WAYLEAVE_KEY}" }
    }
  }
}`
	}},
	"vscode": {"Write this to .vscode/mcp.json; VS Code asks for the key once and keeps it:", func(url string) string {
		return fmt.Sprintf(`{
  "inputs": [
    { "type": "promptString", "id": "WAYLEAVE_KEY", "description": "Wayleave key", "password": true }
  ],
  "servers": {
    "wayleave": {
      "type": "http",
      "url": %q,
      "headers": { "Authorization": "Bearer ${input:WAYLEAVE_KEY}" }
    }
  }
}`, url)
	}},
	"cursor": {"Write this to .cursor/mcp.json, with WAYLEAVE_KEY set where Cursor is started:", func(url string) string {
		return fmt.Sprintf(`{
  "mcpServers": {
    "wayleave": {
      "url": %q,
      "headers": { "Authorization": "Bearer ${env:WAYLEAVE_KEY}" }
    }
  }
}`, url)
	}},
	"codex": {"Add this to ~/.codex/config.toml, with WAYLEAVE_KEY set where Codex is started:", func(url string) string {
		return fmt.Sprintf("[mcp_servers.wayleave]\nurl = %q\nbearer_token_env_var = \"WAYLEAVE_KEY\"", url)
	}},
}

func clientNames() []string { return slices.Sorted(maps.Keys(mcpClients)) }

func newMCPConfig(c *cli) *cobra.Command {
	var env string
	cmd := &cobra.Command{Use: "mcp-config CLIENT", Short: "Print how an agent's client is told of this server", Args: takes("CLIENT"),
		Long:              "Prints the exact text for a client: " + strings.Join(clientNames(), ", ") + ". It names the variable WAYLEAVE_KEY and never holds a key.",
		ValidArgsFunction: cobra.FixedCompletions(clientNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, ok := mcpClients[args[0]]
			if !ok {
				return usage(cmd, "there is no client %q; use one of: %s", args[0], strings.Join(clientNames(), ", "))
			}
			base, err := c.publicBase(cmd)
			if err != nil {
				return err
			}
			url := strings.TrimSuffix(base, "/") + "/mcp"
			flag := ""
			if env != "" {
				url += "/" + env
				flag = fmt.Sprintf(`, "--env", %q`, env)
			}
			snippet := strings.ReplaceAll(client.snippet(url), "%ENV%", flag)
			if c.output == "json" {
				return c.printJSON(map[string]string{"client": args[0], "url": url, "note": client.where, "snippet": snippet})
			}
			_, _ = fmt.Fprintln(c.err, client.where)
			_, err = fmt.Fprintln(c.out, snippet)
			return err
		}}
	cmd.Flags().StringVar(&env, "env", "", "environment, where the key grants several")
	cmd.Flags().StringVar(&c.url, "url", "", "address of the server (default: WAYLEAVE_URL, else public_url)")
	c.flagNames(cmd, "env", "/v1/environments")
	return cmd
}

// publicBase returns the address that clients elsewhere reach the server by.
func (c *cli) publicBase(cmd *cobra.Command) (string, error) {
	base := c.url
	if base == "" {
		base = c.getenv("WAYLEAVE_URL")
	}
	if base != "" {
		return base, checkBase(cmd, base)
	}
	cfg, err := c.load(cmd)
	if err != nil {
		return "", err
	}
	return cfg.PublicURL, nil
}
