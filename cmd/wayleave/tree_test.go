package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// leaves returns every verb that does something.
func leaves(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.HasSubCommands() {
			all = append(all, leaves(sub)...)
		} else {
			all = append(all, sub)
		}
	}
	return all
}

// args returns the words that call a verb.
func words(cmd *cobra.Command) []string {
	return strings.Fields(cmd.CommandPath())[1:]
}

// runIn runs a command line in an empty home and returns what it printed.
func runIn(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	c := &cli{in: strings.NewReader(""), out: &out, err: &err, env: []string{"HOME=" + t.TempDir()}}
	code = run(context.Background(), c, args)
	return code, out.String(), err.String()
}

// TestHelpOfEveryVerb sees that each verb says what it does, and that none has
// a flag that takes a secret.
func TestHelpOfEveryVerb(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(token|secret|password|key|credential)`)
	harmless := map[string]bool{ // name a file, a switch, or no secret at all
		"key-file": true, "secret-file": true, "secrets-stdin": true, "idempotency-key": true,
		"keys-soft": true, "keys-hard": true, "local-key-file": true, "vault-key-prefix": true,
		"vault-token-file": true, "vault-secret-id-file": true,
	}
	all := leaves(newRoot(&cli{}))
	if len(all) < 40 {
		t.Fatalf("only %d verbs", len(all))
	}
	for _, cmd := range all {
		if cmd.Short == "" {
			t.Errorf("%s says nothing of itself", cmd.CommandPath())
		}
		code, stdout, stderr := runIn(t, append(words(cmd), "--help")...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "Usage:\n  "+cmd.CommandPath()) {
			t.Errorf("%s --help: exit %d, %q, %q", cmd.CommandPath(), code, stdout, stderr)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if secret.MatchString(f.Name) && !harmless[f.Name] {
				t.Errorf("%s has the flag --%s", cmd.CommandPath(), f.Name)
			}
			if strings.Contains(stdout, "WAYLEAVE_KEY=") {
				t.Errorf("%s --help shows how to give a key on the command line", cmd.CommandPath())
			}
		})
	}
}

// TestWrongUseOfEveryVerb gives each verb too much, an unknown flag and a
// wrong form of output, and sees that it refuses with the way to its help.
func TestWrongUseOfEveryVerb(t *testing.T) {
	for _, cmd := range leaves(newRoot(&cli{})) {
		for name, wrong := range map[string][]string{
			"too much":        {"a", "b", "c", "d"},
			"unknown flag":    {"--no-such-flag"},
			"form of output":  {"-o", "xml"},
			"secret as flag":  {"--token=s3cr3t-canary"},
			"unknown as file": {"--password", "s3cr3t-canary"},
		} {
			if name == "too much" && (strings.Contains(cmd.Use, "...") || strings.HasPrefix(cmd.CommandPath(), "wayleave completion")) {
				continue
			}
			if cmd.Name() == "help" || strings.HasPrefix(cmd.CommandPath(), "wayleave completion") {
				continue // of cobra itself
			}
			args := append(words(cmd), wrong...)
			if name == "form of output" {
				args = append(args, strings.Fields(strings.Repeat("x ", strings.Count(cmd.Use, " ")))...)
			}
			code, stdout, stderr := runIn(t, args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, "--help") {
				t.Errorf("wayleave %s: exit %d, %q, %q", strings.Join(args, " "), code, stdout, stderr)
			}
			if strings.Contains(stderr, "s3cr3t-canary") {
				t.Errorf("wayleave %s repeats the value of a flag: %q", cmd.CommandPath(), stderr)
			}
		}
	}
}

// TestMissingArguments gives each verb that needs arguments none.
func TestMissingArguments(t *testing.T) {
	for _, cmd := range leaves(newRoot(&cli{})) {
		_, names, needs := strings.Cut(cmd.Use, " ")
		if !needs || strings.HasPrefix(names, "[") {
			continue
		}
		first, _, _ := strings.Cut(strings.Fields(names)[0], "|")
		code, _, stderr := runIn(t, words(cmd)...)
		if code != exitUsage || !strings.Contains(stderr, first+" is missing") {
			t.Errorf("%s without arguments: exit %d, %q", cmd.CommandPath(), code, stderr)
		}
	}
}

// TestNeedsKey sees that each verb that talks to a server says what to do when
// it has no key.
func TestNeedsKey(t *testing.T) {
	for _, args := range [][]string{
		{"apps", "list"}, {"connect", "notes"}, {"connections", "list"}, {"auth-configs", "list"}, {"toolkits", "list"},
		{"agents", "list"}, {"workflows", "list"}, {"keys", "list"}, {"tenants", "list"}, {"call", "a", "b"}, {"mcp"},
	} {
		code, _, stderr := runIn(t, args...)
		if code != exitFailed || !strings.Contains(stderr, "WAYLEAVE_KEY") {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
}

// TestPrintable sees that what apps and people write cannot steer a terminal.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain ü 漢":          "plain ü 漢",
		"\x1b[31mred\x1b[0m": "�[31mred�[0m",
		"a\rb\x07\u202ec":    "a�b��c",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestSecretInput sees that broken secrets are refused without being repeated.
func TestSecretInput(t *testing.T) {
	const canary = "s3cr3t-canary"
	file := t.TempDir() + "/empty"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (map[string]string, error){
		"no JSON": func() (map[string]string, error) { return secretsFrom(strings.NewReader(canary)) },
		"a number": func() (map[string]string, error) {
			return secretsFrom(strings.NewReader(`{"token": 1, "x": "` + canary + `"}`))
		},
		"nothing": func() (map[string]string, error) { return secretsFrom(strings.NewReader(`{}`)) },
		"too much": func() (map[string]string, error) {
			return secretsFrom(strings.NewReader(`{"a":"` + strings.Repeat("x", maxSecret) + `"}`))
		},
		"no file":       func() (map[string]string, error) { return secretFiles([]string{"token=/nope"}) },
		"an empty file": func() (map[string]string, error) { return secretFiles([]string{"token=" + file}) },
		"the value":     func() (map[string]string, error) { return secretFiles([]string{canary}) },
	} {
		if _, err := read(); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
