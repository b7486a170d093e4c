package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/config"
)

var update = flag.Bool("update", false, "rewrite the table in docs/configuration.md")

const canary = "hvs.CANARY-7f3a"

// home is an environment with nothing but a home directory.
func home(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{"HOME=" + t.TempDir()}, more...)
}

// write puts text into a new file of mode 0600 and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	for name, file := range map[string]string{"no file": "", "config-005-empty": "\n", "comments only": "# nothing\n", "section without lines": "log:\n"} {
		t.Run(name, func(t *testing.T) {
			s := config.Sources{Env: []string{"HOME=/home/nobody"}}
			if file != "" {
				s.File = write(t, file)
			}
			c, err := config.Load(s)
			if err != nil {
				t.Fatal(err)
			}
			if c.Listen != "127.0.0.1:8417" || c.PublicURL != "http://127.0.0.1:8417" || !slices.Equal(c.Environments, []string{"dev", "staging", "prod"}) {
				t.Errorf("Load = %q, %q, %q", c.Listen, c.PublicURL, c.Environments)
			}
			if c.DataDir != "/home/nobody/.local/share/wayleave" || c.Store.URL.Reveal() != "sqlite:/home/nobody/.local/share/wayleave/wayleave.db" || c.LocalKey.File != "/home/nobody/.local/share/wayleave/local.key" {
				t.Errorf("data: %q, %q, %q", c.DataDir, c.Store.URL.Reveal(), c.LocalKey.File)
			}
			if c.Limits.CallTimeout != 30*time.Second || c.Limits.MaxResponseBytes != 8<<20 || c.Limits.GlobalConcurrency != 512 || c.Keys.Soft != 5*time.Minute {
				t.Errorf("limits: %+v, %+v", c.Limits, c.Keys)
			}
			if w := c.Warnings(); len(w) > 0 {
				t.Errorf("warnings: %q", w)
			}
		})
	}
}

// TestEveryKeyByAllThree gives every setting by file, variable and flag, and
// sees that the later one wins.
func TestEveryKeyByAllThree(t *testing.T) {
	samples := map[string][3]string{
		"listen": {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, "public_url": {"http://a.test", "http://b.test", "http://c.test"},
		"environments": {"a", "b", "c"}, "log.level": {"debug", "warn", "error"}, "log.format": {"json", "console", "auto"},
		"store.url": {"sqlite:/a", "sqlite:/b", "sqlite:/c"}, "redis.url": {"redis://a", "redis://b", "redis://c"},
		"vault.address": {"https://a.test", "https://b.test", "https://c.test"}, "vault.ca_file": {os.DevNull, "/dev/zero", "/dev/full"},
		"vault.auth": {"approle", "token", "token"},
		"keys.soft":  {"1s", "2s", "3s"}, "keys.hard": {"15m0s", "16m0s", "17m0s"}, "egress.allow": {"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"},
		"limits.call_timeout": {"1s", "2s", "3s"}, "limits.global_concurrency": {"1", "2", "3"}, "limits.max_response_bytes": {"1KiB", "2KiB", "3KiB"},
		"mcp.origins": {"https://a.test", "https://b.test", "https://c.test"}, "mcp.hosts": {"a.test", "b.test", "c.test"},
		"attempts.ttl": {"1m0s", "2m0s", "3m0s"}, "data_dir": {"/a", "/b", "/c"}, "apps_dir": {"/a", "/b", "/c"}, "local_key.file": {"/a", "/b", "/c"},
	}
	for _, k := range config.Keys() {
		if k.Kind == "file" {
			continue
		}
		v, ok := samples[k.Path]
		if !ok {
			v = [3]string{"a", "b", "c"}
		}
		s := config.Sources{Env: home(t, "WAYLEAVE_VAULT_ADDRESS=https://v.test", "WAYLEAVE_VAULT_TOKEN=x", "WAYLEAVE_VAULT_ROLE_ID=r", "WAYLEAVE_VAULT_SECRET_ID=s")}
		want := func(step int, layer string) {
			t.Helper()
			c, err := config.Load(s)
			if err != nil {
				t.Errorf("%s by %s: %v", k.Path, layer, err)
				return
			}
			text := v[step]
			if k.Secret && !strings.Contains(text, ":") {
				text = "[redacted]"
			}
			for _, got := range c.Values() {
				if got.Key == k.Path && (got.Text != text || got.Origin.Layer != layer) {
					t.Errorf("%s by %s = %q from %+v; want %q", k.Path, layer, got.Text, got.Origin, text)
				}
			}
		}
		section, key, nested := strings.Cut(k.Path, ".")
		value := v[0]
		if k.Kind == "list" {
			value = "[" + `"` + value + `"` + "]"
		}
		if nested {
			s.File = write(t, section+":\n  "+key+": "+value+"\n")
		} else {
			s.File = write(t, section+": "+value+"\n")
		}
		s.Env = slices.DeleteFunc(s.Env, func(e string) bool { return strings.HasPrefix(e, k.Env()+"=") })
		if strings.HasPrefix(k.Path, "vault.") && k.Path != "vault.address" {
			s.Env = append(s.Env, "WAYLEAVE_VAULT_ADDRESS=https://v.test")
		}
		want(0, "file")
		s.Env = append(s.Env, k.Env()+"="+v[1])
		want(1, "env")
		if k.Flag() == "" {
			continue
		}
		s.Flags = map[string]string{k.Path: v[2]}
		want(2, "flag")
	}
}

func TestSecretFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vault := "vault:\n  address: https://v.test\n"
	for name, s := range map[string]config.Sources{
		"file":                 {File: write(t, vault+"  token_file: "+file+"\n"), Env: home(t)},
		"variable":             {File: write(t, vault), Env: home(t, "WAYLEAVE_VAULT_TOKEN_FILE="+file)},
		"flag":                 {File: write(t, vault), Env: home(t), Flags: map[string]string{"vault.token_file": file}},
		"variable over inline": {File: write(t, vault+"  token: other\n"), Env: home(t, "WAYLEAVE_VAULT_TOKEN_FILE="+file)},
		"inline over its file": {File: write(t, vault+"  token_file: /nope\n"), Env: home(t, "WAYLEAVE_VAULT_TOKEN="+canary)},
	} {
		c, err := config.Load(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if from := c.SecretFile("vault.token"); (from == file) == (name == "inline over its file") {
			t.Errorf("%s: read from %q", name, from)
		}
		if got := c.Vault.Token.Reveal(); got != canary {
			t.Errorf("%s: token %q", name, got)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s %q %x", c, c.Vault, c.Vault.Token, c.Vault.Token, c.Values(), c.Vault.Token); strings.Contains(shown, canary) || strings.Contains(shown, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s: the token is shown: %s", name, shown)
		}
	}
}

// TestRefused holds what Load refuses, each with what the message must name.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	checks := map[string]func(string) error{"egress.allow": func(s string) error {
		if strings.Contains(s, "300") {
			return fmt.Errorf("%q is not an address", s)
		}
		return nil
	}}
	for name, tc := range map[string]struct {
		file  string // written to config.yaml; or the path itself when it begins with /
		env   []string
		flags map[string]string
		names []string
	}{
		"config-001-missing-file":              {file: "/nope.yaml", names: []string{"/nope.yaml", "no such file"}},
		"config-002-dir-as-file":               {file: dir, names: []string{dir, "directory"}},
		"config-003-unknown-key":               {file: "log:\n  levle: info\n", names: []string{"config.yaml:2", "log.levle", "log.level"}},
		"unknown section":                      {file: "server:\n  port: 1\n", names: []string{"config.yaml:1", "server"}},
		"key twice":                            {file: "listen: :1\nlisten: :2\n", names: []string{"config.yaml:2", "listen", "config.yaml:1"}},
		"config-008-port-70000":                {file: "listen: 127.0.0.1:70000\n", names: []string{"config.yaml:1", "listen", "65535"}},
		"no port":                              {file: "listen: 8417\n", names: []string{"config.yaml:1", "listen"}},
		"config-010-duration-bad":              {file: "limits: {call_timeout: 30}\n", names: []string{"config.yaml:1", "limits.call_timeout", "unit"}},
		"config-011-negative-duration":         {file: "limits: {call_timeout: -1s}\n", names: []string{"limits.call_timeout", "negative"}},
		"no time at all":                       {file: "attempts: {ttl: 0s}\n", names: []string{"attempts.ttl"}},
		"config-020-redis-bad-url":             {file: "redis: {url: \"redis//x\"}\n", names: []string{"config.yaml:1", "redis.url", "redis+sentinel"}},
		"config-025-env-overrides":             {env: []string{"WAYLEAVE_LISTEN=x"}, names: []string{"WAYLEAVE_LISTEN"}},
		"config-025-unknown-variable":          {env: []string{"WAYLEAVE_LITSEN=:1"}, names: []string{"WAYLEAVE_LITSEN", "WAYLEAVE_LISTEN"}},
		"config-031-allowlist-host-not-cidr":   {file: "egress: {allow: [\"10.0.0.300/8\"]}\n", names: []string{"config.yaml:1", "egress.allow", "10.0.0.300/8"}},
		"list as text":                         {file: "environments: dev\n", names: []string{"config.yaml:1", "list"}},
		"map as text":                          {file: "log: info\n", names: []string{"config.yaml:1", "mapping"}},
		"text as map":                          {file: "listen: {a: b}\n", names: []string{"config.yaml:1", "plain"}},
		"not a map":                            {file: "- a\n", names: []string{"config.yaml:1"}},
		"two documents":                        {file: "listen: :1\n---\nlisten: :2\n", names: []string{"second"}},
		"alias":                                {file: "listen: &a :1\npublic_url: *a\n", names: []string{"config.yaml:1", "config.yaml:2"}},
		"tag":                                  {file: "listen: !!str :1\n", names: []string{"config.yaml:1"}},
		"syntax":                               {file: "vault:\n  token: " + canary + "\n log: [\n", names: []string{"config.yaml:", "YAML"}},
		"environment name":                     {file: "environments: [Prod]\n", names: []string{"Prod"}},
		"environment twice":                    {file: "environments: [dev, dev]\n", names: []string{"twice"}},
		"no environment":                       {file: "environments: []\n", names: []string{"environments"}},
		"level":                                {file: "log: {level: loud}\n", names: []string{"debug, info, warn, error"}},
		"bytes":                                {file: "limits: {max_response_bytes: 16MB}\n", names: []string{"16MiB"}},
		"soft over hard":                       {file: "keys: {soft: 1h, hard: 1m}\n", names: []string{"keys.soft", "keys.hard"}},
		"public url with path":                 {file: "public_url: https://a.test/x\n", names: []string{"public_url"}},
		"secret as flag":                       {flags: map[string]string{"vault.token": canary}, names: []string{"--vault-token", "--vault-token-file"}},
		"config-021 password as flag":          {flags: map[string]string{"store.url": "postgres://u:" + canary + "@h/x"}, names: []string{"--store-url-file"}},
		"password in bad url":                  {file: "store: {url: \"postgres://u:" + canary + "@h:port/x\"}\n", names: []string{"store.url"}},
		"secret and its file":                  {file: "vault: {address: https://v.test, token: " + canary + ", token_file: /x}\n", names: []string{"vault.token_file", "one of them"}},
		"secret file missing":                  {env: []string{"WAYLEAVE_VAULT_TOKEN_FILE=/nope"}, names: []string{"WAYLEAVE_VAULT_TOKEN_FILE", "/nope"}},
		"secret file empty":                    {env: []string{"WAYLEAVE_VAULT_TOKEN_FILE=" + empty}, names: []string{empty, "empty"}},
		"vault without token":                  {file: "vault: {address: https://v.test}\n", names: []string{"vault.token"}},
		"token without vault":                  {file: "vault: {token: " + canary + "}\n", names: []string{"vault.address"}},
		"origin with path":                     {file: "mcp: {origins: [https://a.test/x]}\n", names: []string{"mcp.origins"}},
		"host with wildcard":                   {file: "mcp: {hosts: [\"*.a.test\"]}\n", names: []string{"mcp.hosts"}},
		"a value that lost its key, not shown": {file: "vault:\n  " + canary + "!:\n", names: []string{"config.yaml:2", "unknown key"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := config.Sources{Env: home(t, tc.env...), Flags: tc.flags, Checks: checks}
			if strings.HasPrefix(tc.file, "/") {
				s.File = tc.file
			} else if tc.file != "" {
				s.File = write(t, tc.file)
			}
			_, err := config.Load(s)
			var e *config.Error
			if !errors.As(err, &e) {
				t.Fatalf("Load = %v, want an *Error", err)
			}
			for _, want := range tc.names {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}

// TestAllProblemsAtOnce sees that one run of check is enough to correct a file.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := config.Load(config.Sources{File: write(t, "listen: x\nlog: {level: y}\nnope: 1\n"), Env: home(t, "WAYLEAVE_NOPE=1")})
	var e *config.Error
	if !errors.As(err, &e) || len(e.Problems) != 4 {
		t.Errorf("Load = %v, want four problems", err)
	}
}

func TestReadable(t *testing.T) {
	secret, plain := "vault: {address: https://v.test, token: "+canary+"}\n", "store: {url: \"postgres://u@h/x\"}\n"
	for name, tc := range map[string]struct {
		text         string
		mode         os.FileMode
		refused      bool
		warningsWant int
	}{
		"config-004-world-readable-secrets": {secret, 0o644, true, 0},
		"group-readable secret":             {secret, 0o640, false, 1},
		"own secret":                        {secret, 0o600, false, 0},
		"world-readable without a secret":   {plain, 0o644, false, 0},
	} {
		path := write(t, tc.text)
		if err := os.Chmod(path, tc.mode); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Sources{File: path, Env: home(t)})
		if (err != nil) != tc.refused {
			t.Errorf("%s: Load: %v", name, err)
		}
		if err == nil && len(c.Warnings()) != tc.warningsWant {
			t.Errorf("%s: warnings %q", name, c.Warnings())
		}
	}
}

func TestWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		want int
	}{
		"config-017-listen-all":  {"listen: 0.0.0.0:8417\n", 1},
		"all interfaces":         {"listen: :8417\n", 1},
		"behind a TLS proxy":     {"listen: :8417\npublic_url: https://a.test\n", 0},
		"loopback, IPv6":         {"listen: \"[::1]:8417\"\n", 0},
		"config-028-crlf-file":   {"listen: localhost:8417\r\nlog:\r\n  level: warn\r\n", 0},
		"byte order mark":        {"\xef\xbb\xbflisten: localhost:8417\n", 0},
		"vault over plain http":  {"vault: {address: http://v.test:8200, token: x}\n", 1},
		"vault on this machine":  {"vault: {address: http://127.0.0.1:8200, token: x}\n", 0},
		"empty variable ignored": {"listen: localhost:8417\n", 0},
	} {
		c, err := config.Load(config.Sources{File: write(t, tc.file), Env: home(t, "WAYLEAVE_PUBLIC_URL=")})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if len(c.Warnings()) != tc.want {
			t.Errorf("%s: warnings %q, want %d", name, c.Warnings(), tc.want)
		}
	}
}

// TestNoSecretFlag sees that no flag takes a secret that is not an address.
func TestNoSecretFlag(t *testing.T) {
	for _, k := range config.Keys() {
		if k.Secret && k.Flag() != "" && !strings.HasSuffix(k.Path, "url") {
			t.Errorf("%s has the flag --%s", k.Path, k.Flag())
		}
	}
}

// FuzzNoSecretInErrors breaks a file with a token in it in every way and sees
// that no message shows the token.
func FuzzNoSecretInErrors(f *testing.F) {
	base := "listen: 127.0.0.1:1\nvault:\n  address: https://v.test\n  token: " + canary + "\nlog: {level: info}\n"
	for _, seed := range []string{"\t", "\n", "[", "}", "'", "\"", ":", "- ", "&a ", "*a", "!!x ", "|", "? ", "%YAML 9\n", "---\n", "\x00"} {
		for at := 0; at < len(base); at += 7 {
			f.Add(at, seed)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, at int, insert string) {
		if at < 0 || at > len(base) || (at > strings.Index(base, canary) && at < strings.Index(base, canary)+len(canary)) {
			return // the token itself must stay whole to be looked for
		}
		path := filepath.Join(dir, fmt.Sprint(os.Getpid())+".yaml")
		if err := os.WriteFile(path, []byte(base[:at]+insert+base[at:]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(config.Sources{File: path, Env: []string{"HOME=/nowhere"}}); err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the token is shown: %v", err)
		}
	})
}

const begin, end = "<!-- settings: written by go generate ./config -->\n\n", "\n<!-- end of settings -->"

func TestReferenceIsFresh(t *testing.T) {
	const path = "../docs/configuration.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(page), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/configuration.md has no place for the settings")
	}
	if table == config.Reference() {
		return
	}
	if !*update {
		t.Fatal("docs/configuration.md is not fresh: run go generate ./config")
	}
	if err := os.WriteFile(path, []byte(head+begin+config.Reference()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
