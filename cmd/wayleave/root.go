package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// cli is what every verb works with: the process's streams and environment,
// and the flags that all verbs share.
type cli struct {
	in  io.Reader
	out io.Writer
	err io.Writer
	env []string // as os.Environ

	configFile string
	output     string // table or json
	url        string
	keyFile    string
	settings   map[string]*string // by key, of the verbs that take settings as flags
}

const longRoot = `Wayleave exposes connections as AI tools.

An administrator connects an app once; agents call its tools over MCP and
workflow nodes over HTTP, and nobody who calls holds a credential.

Start with ` + "`wayleave demo`" + `, or with ` + "`wayleave serve`" + ` and ` + "`wayleave connect`" + `.`

// newRoot returns the whole tree of verbs.
func newRoot(c *cli) *cobra.Command {
	root := group("wayleave", "Connections as AI tools", longRoot,
		newServe(c), newMCP(c), newDemo(c), newDoctor(c), newConfig(c),
		newApps(c), newConnect(c), newConnections(c), newAuthConfigs(c), newToolkits(c),
		newAgents(c), newWorkflows(c), newKeys(c), newTenants(c), newCall(c), newMCPConfig(c),
		newVersion(c))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(wrongFlag)
	f := root.PersistentFlags()
	f.StringVar(&c.configFile, "config", "", "configuration file")
	f.StringVarP(&c.output, "output", "o", "table", "form of the output: table or json")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if c.output != "table" && c.output != "json" {
			return usage(cmd, "-o must be table or json")
		}
		return nil
	}
	return root
}

// wrongFlag tells of a flag that does not fit. One for a secret does not exist,
// so the one for its file is named.
func wrongFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		if cmd.Flags().Lookup(name+"-file") != nil {
			return usage(cmd, "there is no flag --%s: a secret is never given on the command line; use --%s-file", name, name)
		}
		return usage(cmd, "there is no flag %s", dashes(name))
	}
	return usage(cmd, "%v", err)
}

func dashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// group returns a verb that only holds others.
func group(use, short, long string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			message := fmt.Sprintf("there is no verb %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				message += "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return usage(cmd, "%s", message)
		}}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(verbs...)
	return cmd
}

// takes checks that a verb got the arguments that its use line names; a name
// in brackets may be left out.
func takes(names ...string) cobra.PositionalArgs {
	least := len(names)
	if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "[") }); i >= 0 {
		least = i
	}
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(cmd, "%s is missing", names[len(args)])
		case len(args) > len(names):
			return usage(cmd, "%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// clientVerb adds the flags of a verb that talks to a server.
func (c *cli) clientVerb(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVar(&c.url, "url", "", "address of the server (default: WAYLEAVE_URL, else the configured listen address)")
	f.StringVar(&c.keyFile, "key-file", "", "file with the key to present (default: WAYLEAVE_KEY, else admin.key of the data directory)")
	return cmd
}
