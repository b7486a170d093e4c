package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/environments"
)

const longMCP = `Serves the tools of one key over standard input and output, for a client on this
machine that starts it. It opens the records itself; no server has to run.

The key comes from WAYLEAVE_KEY or --key-file. A key that grants several
environments needs --env.`

func newMCP(c *cli) *cobra.Command {
	var env string
	cmd := c.settingFlags(&cobra.Command{Use: "mcp", Short: "Serve MCP over standard input and output", Long: longMCP, Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(cmd)
			if err != nil {
				return err
			}
			key, err := c.givenKey()
			if err != nil {
				return err
			}
			if key == "" {
				return fail("Set WAYLEAVE_KEY or give --key-file.", "no key to serve the tools of")
			}
			if err := makeDataDir(cfg.DataDir); err != nil {
				return err
			}
			sys, err := wire(cmd.Context(), cfg, c.newLog(cfg.Log), nil)
			if err != nil {
				return err
			}
			defer sys.close()
			return c.serveStdio(cmd.Context(), sys, key, environments.Name(env))
		}})
	cmd.Flags().StringVar(&env, "env", "", "environment to run in, where the key grants several")
	cmd.Flags().StringVar(&c.keyFile, "key-file", "", "file with the key")
	return cmd
}

func (c *cli) serveStdio(ctx context.Context, sys *system, key string, env environments.Name) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := sys.start(background)
	defer func() { stop(); stopped() }()
	principal, err := sys.auth.Authenticate(ctx, key)
	if err != nil {
		return err
	}
	return sys.door.ServeStdio(ctx, principal, env, c.in, c.out)
}
