package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/server"
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
			srv, err := wire(cmd.Context(), cfg, c.newLog(cfg.Log), nil)
			if err != nil {
				return err
			}
			return c.serveStdio(cmd.Context(), srv, key, environments.Name(env))
		}})
	cmd.Flags().StringVar(&env, "env", "", "environment to run in, where the key grants several")
	cmd.Flags().StringVar(&c.keyFile, "key-file", "", "file with the key")
	return cmd
}

func (c *cli) serveStdio(ctx context.Context, srv *server.Server, key string, env environments.Name) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := srv.Start(background)
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		stop()
		stopped()
		_ = srv.Close(end) // the client is gone already
	}()
	principal, err := srv.Authenticator.Authenticate(ctx, key)
	if err != nil {
		return err
	}
	return srv.Door.ServeStdio(ctx, principal, env, c.in, c.out)
}
