package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version returns the version of this build: the module's, or the commit that
// it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

func newVersion(c *cli) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: takes(), RunE: func(*cobra.Command, []string) error {
		if c.output == "json" {
			return c.printJSON(map[string]string{"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
		}
		c.say("wayleave %s (%s, %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	}}
}
