package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
	"github.com/wayleave/wayleave/config"
)

// adminKeyFile is where the first start leaves its key, in the data directory.
const adminKeyFile = "admin.key"

// connectTo returns a client of the server that a verb is to talk to: --url,
// WAYLEAVE_URL or the configured listen address, with the key of --key-file,
// WAYLEAVE_KEY, WAYLEAVE_KEY_FILE or the data directory.
func (c *cli) connectTo(cmd *cobra.Command) (*client.Client, error) {
	base, key, err := c.target(cmd)
	if err != nil {
		return nil, err
	}
	cl, err := client.New(base, key)
	if err != nil {
		return nil, usage(cmd, "%v", err)
	}
	return cl, nil
}

func (c *cli) target(cmd *cobra.Command) (base, key string, err error) {
	base = c.url
	if base == "" {
		base = c.getenv("WAYLEAVE_URL")
	}
	key, err = c.givenKey()
	if err != nil {
		return "", "", err
	}
	if base != "" && key != "" {
		return base, key, nil // the settings of a server here are of no concern
	}
	cfg, err := c.load(cmd)
	if err != nil {
		return "", "", err
	}
	if base == "" {
		base = localBase(cfg)
	}
	if key == "" {
		key, err = readKey(filepath.Join(cfg.DataDir, adminKeyFile))
		if errors.Is(err, os.ErrNotExist) {
			return "", "", fail("Set WAYLEAVE_KEY, or name a file with --key-file.",
				"no key to present: there is none in WAYLEAVE_KEY, and no %s in %s", adminKeyFile, cfg.DataDir)
		}
	}
	return base, key, err
}

// givenKey returns the key that the caller names, if any.
func (c *cli) givenKey() (string, error) {
	file := c.keyFile
	if file == "" {
		if key := c.getenv("WAYLEAVE_KEY"); key != "" {
			return strings.TrimSpace(key), nil
		}
		file = c.getenv("WAYLEAVE_KEY_FILE")
	}
	if file == "" {
		return "", nil
	}
	key, err := readKey(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", fail("Check --key-file or WAYLEAVE_KEY_FILE.", "there is no key file %s", file)
	}
	return key, err
}

// readKey reads a key from a file.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(text))
	if key == "" || strings.ContainsAny(key, " \n\t") {
		return "", fail("Put one key into it, and nothing else.", "%s does not hold a key", path)
	}
	return key, nil
}

// localBase returns the address at which this machine reaches a server with
// these settings.
func localBase(cfg *config.Config) string {
	host, port, _ := net.SplitHostPort(cfg.Listen) // checked when the settings were read
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (c *cli) getenv(name string) string {
	value := ""
	for _, entry := range c.env {
		if n, v, ok := strings.Cut(entry, "="); ok && n == name {
			value = v // the last one counts, as in a process
		}
	}
	return value
}

// checkBase refuses an address that is no server's.
func checkBase(cmd *cobra.Command, base string) error {
	if _, err := client.New(base, ""); err != nil {
		return usage(cmd, "%v", err)
	}
	return nil
}
