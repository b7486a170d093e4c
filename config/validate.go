package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validate reports what does not fit, each at the source that gave it.
func (l *loader) validate(c *Config) {
	l.check("listen", checkListen(c.Listen))
	l.check("public_url", checkPublicURL(c.PublicURL))
	l.validateEnvironments(c.Environments)
	l.check("store.url", checkScheme(c.Store.URL, "sqlite", "postgres", "postgresql"))
	l.check("redis.url", checkScheme(c.Redis.URL, "redis", "rediss", "redis+sentinel", "redis+cluster"))
	l.validateVault(c.Vault)
	if c.Keys.Hard != 0 && c.Keys.Soft > c.Keys.Hard {
		l.at("keys.soft", "must not be longer than keys.hard (%s)", c.Keys.Hard)
	}
	l.positive("limits.call_timeout", c.Limits.CallTimeout)
	l.positive("attempts.ttl", c.Attempts.TTL)
	if c.Limits.GlobalConcurrency < 1 || c.Limits.GlobalConcurrency > 100_000 {
		l.at("limits.global_concurrency", "must be between 1 and 100000")
	}
	for _, origin := range c.MCP.Origins {
		l.check("mcp.origins", checkOrigin(origin))
	}
	for _, host := range c.MCP.Hosts {
		l.check("mcp.hosts", checkHost(host))
	}
	l.outsideChecks(c)
}

// check reports err at a key, unless the value already failed to be read.
func (l *loader) check(key string, err error) {
	if err != nil {
		l.at(key, "%v", err)
	}
}

func (l *loader) positive(key string, d time.Duration) {
	failed := slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Key == key })
	if d == 0 && !failed {
		l.at(key, "must be longer than nothing")
	}
}

// outsideChecks runs what other packages know.
func (l *loader) outsideChecks(c *Config) {
	for _, v := range c.Values() {
		fn := l.sources.Checks[v.Key]
		if fn == nil || v.Text == "" {
			continue
		}
		entries := []string{v.Text}
		if l.keys[v.Key].Kind == "list" {
			entries = splitList(v.Text)
		}
		for _, entry := range entries {
			l.check(v.Key, fn(entry))
		}
	}
}

func checkListen(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.New("must be an address and a port, such as 127.0.0.1:8417 or :8417")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return errors.New("the port must be a number between 1 and 65535")
	}
	if host == "" || host == "localhost" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return errors.New("the address must be an IP address or localhost")
	}
	return nil
}

func checkPublicURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("must be a URL, such as https://wayleave.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" {
		return errors.New("must be scheme and host alone, such as https://wayleave.example.com")
	}
	return nil
}

func checkScheme(s Secret, schemes ...string) error {
	if s.IsZero() {
		return nil
	}
	u, err := url.Parse(s.text) // err shows the text, password and all
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return errors.New("must be a URL that begins with " + strings.Join(schemes, ":, ") + ":")
	}
	if u.Scheme != "sqlite" && u.Host == "" {
		return errors.New("names no host")
	}
	if u.Scheme == "sqlite" && u.Opaque == "" && u.Path == "" {
		return errors.New("names no file")
	}
	return nil
}

// environmentForm is what package environments asks of a name.
var environmentForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (l *loader) validateEnvironments(names []string) {
	if len(names) == 0 {
		l.at("environments", "must name at least one environment")
	}
	for i, name := range names {
		if !environmentForm.MatchString(name) {
			l.at("environments", "%q: a name is 1 to 32 lower-case letters, digits and dashes and begins with a letter", name)
		} else if slices.Contains(names[:i], name) {
			l.at("environments", "%q is there twice", name)
		}
	}
}

func (l *loader) validateVault(v Vault) {
	if v.Address == "" {
		for _, key := range []string{"vault.token", "vault.role_id", "vault.secret_id"} {
			if _, ok := l.given[key]; ok {
				l.at(key, "has no effect without vault.address")
			}
		}
		return
	}
	if u, err := url.Parse(v.Address); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		l.at("vault.address", "must be a URL, such as https://vault.example.com:8200")
	}
	switch {
	case v.Auth == "token" && v.Token.IsZero():
		l.at("vault.token", "is needed for vault.auth token; give vault.token_file")
	case v.Auth == "approle" && (v.RoleID == "" || v.SecretID.IsZero()):
		l.at("vault.role_id", "vault.auth approle needs vault.role_id and vault.secret_id_file")
	}
	if v.CAFile != "" {
		if _, err := os.Stat(v.CAFile); err != nil {
			l.at("vault.ca_file", "%s cannot be read: %v", v.CAFile, plain(err))
		}
	}
}

func checkOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("each entry must be scheme and host alone, such as https://console.example.com")
	}
	return nil
}

func checkHost(text string) error {
	u, err := url.Parse("http://" + text)
	if err != nil || u.Host != text || u.Hostname() == "" || strings.Contains(text, "*") {
		return errors.New("each entry must be a host name, with or without port")
	}
	return nil
}
