package transit

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
)

// Config says which Vault to use and how to log in.
type Config struct {
	Address      string           // https://vault.example:8200; required. http only to a loopback address
	Mount        string           // of the Transit engine; default "transit"
	KeyPrefix    string           // before the name of an environment; default "wl-"
	Namespace    string           // Vault Enterprise only; default none
	CACert       string           // file of PEM certificates to trust instead of the system's; default the system's
	Timeout      time.Duration    // of one request; default 2 s
	Auth         Auth             // required
	Environments environments.Set // required; each has a key
	Log          zerolog.Logger   // what the background does; default silent
}

// The methods to log in by.
const (
	Token   = "token"
	AppRole = "approle"
)

// Auth says how to log in. It prints only its method.
type Auth struct {
	Method string // Token or AppRole

	Token     string // for Token: the token itself, or
	TokenFile string // a file with it, read again when it no longer serves, as Vault Agent writes it

	RoleID       string // for AppRole
	SecretID     string // the secret id itself, or
	SecretIDFile string // a file with it, read at each login
	Mount        string // of the AppRole method; default "approle"
}

// Format writes the method, for every verb.
func (a Auth) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "vault %s login", a.Method) }

var mountPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$`)
var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// withDefaults returns c completed and checked.
func (c Config) withDefaults() (Config, error) {
	c.Mount = strings.Trim(cmp.Or(c.Mount, "transit"), "/")
	c.KeyPrefix = cmp.Or(c.KeyPrefix, "wl-")
	c.Auth.Mount = strings.Trim(cmp.Or(c.Auth.Mount, "approle"), "/")
	c.Timeout = cmp.Or(c.Timeout, 2*time.Second)
	switch {
	case !mountPattern.MatchString(c.Mount):
		return c, invalid("vault.mount %q is not the path of a secrets engine", c.Mount)
	case !mountPattern.MatchString(c.Auth.Mount):
		return c, invalid("vault.approle_mount %q is not the path of an auth method", c.Auth.Mount)
	case !prefixPattern.MatchString(c.KeyPrefix):
		return c, invalid("vault.key_prefix %q must be letters, digits, - and _, at most 32", c.KeyPrefix)
	case c.Timeout < 0:
		return c, invalid("vault.timeout must not be negative")
	case len(c.Environments) == 0:
		return c, invalid("there is no environment to have a key for")
	}
	if err := checkAddress(c.Address); err != nil {
		return c, err
	}
	return c, c.Auth.check()
}

// checkAddress refuses addresses over which tokens and data keys would travel in
// the clear.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return invalid("vault.address must be the address of a Vault server, such as https://vault.example:8200")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return invalid("vault.address must be no more than scheme, host and port")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return invalid("vault.address must begin with https://, for data keys travel over it; http is for a loopback address only")
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (a Auth) check() error {
	switch {
	case a.Method == Token && (a.Token == "") == (a.TokenFile == ""):
		return invalid("vault.token or vault.token_file must be given, and only one of them")
	case a.Method == AppRole && a.RoleID == "":
		return invalid("vault.role_id must be given")
	case a.Method == AppRole && (a.SecretID == "") == (a.SecretIDFile == ""):
		return invalid("vault.secret_id or vault.secret_id_file must be given, and only one of them")
	case a.Method != Token && a.Method != AppRole:
		return invalid("vault.auth must be %q or %q", Token, AppRole)
	}
	return nil
}

func invalid(format string, args ...any) error { return fault.New(fault.InvalidInput, format, args...) }

// keyName returns the name of an environment's key.
func (c Config) keyName(env environments.Name) string { return c.KeyPrefix + string(env) }
