package config

//go:generate go test -run TestReferenceIsFresh -update .

import "time"

// Config is every setting of a Wayleave process.
//
// The tag key names the setting in the file; the variable is WAYLEAVE_ and the
// key in upper case with "_" for ".", the flag is "--" and the key with "-" for
// "." and "_". A field of type Secret has no flag for its value: a flag can be
// read by every process of the machine. It has a sibling key that ends in
// "_file" instead, which all three know.
type Config struct {
	Listen       string   `key:"listen" default:"127.0.0.1:8417" doc:"Address and port to serve MCP and REST on."`
	PublicURL    string   `key:"public_url" doc:"The URL that callers reach this server by, such as https://wayleave.example.com. Links are made from it and from nothing else. Default: http:// and the listen address."`
	DataDir      string   `key:"data_dir" doc:"Directory of this installation's files, created with mode 0700. Default: wayleave in the user's data directory ($XDG_DATA_HOME or ~/.local/share)."`
	Environments []string `key:"environments" default:"dev,staging,prod" doc:"Names of the environments, in the order of promotion."`
	AppsDir      string   `key:"apps_dir" doc:"Directory with app definitions (*.yaml) of your own, beside those built in."`

	Log      Log      `key:"log"`
	Store    Store    `key:"store"`
	Redis    Redis    `key:"redis"`
	Vault    Vault    `key:"vault"`
	LocalKey LocalKey `key:"local_key"`
	Keys     KeyLife  `key:"keys"`
	Egress   Egress   `key:"egress"`
	Limits   Limits   `key:"limits"`
	MCP      MCP      `key:"mcp"`
	Attempts Attempts `key:"attempts"`

	origins  map[string]Origin
	files    map[string]string // by the key of the secret that was read from it
	warnings []string
}

// Log is how the process logs, to standard error.
type Log struct {
	Level  string `key:"level" default:"info" oneof:"debug,info,warn,error" doc:"Least level that is logged."`
	Format string `key:"format" default:"auto" oneof:"auto,console,json" doc:"Form of the log; auto is console on a terminal and json otherwise."`
}

// Store is where records are kept.
type Store struct {
	URL Secret `key:"url" secret:"url" doc:"Where records are kept: sqlite:/path/to/file.db or postgres://user:password@host/database. Default: sqlite in data_dir."`
}

// Redis is where health and last use are tracked beyond one machine.
type Redis struct {
	URL Secret `key:"url" secret:"url" doc:"redis://, rediss://, redis+sentinel://host1,host2/master or redis+cluster://host1,host2. Default: none, health is tracked in the store."`
}

// Vault is HashiCorp Vault, whose Transit engine wraps data keys.
type Vault struct {
	Address      string `key:"address" doc:"Address of Vault, such as https://vault.example.com:8200. Default: none, data keys are wrapped by the local key."`
	Mount        string `key:"mount" default:"transit" doc:"Path of the Transit engine."`
	KeyPrefix    string `key:"key_prefix" default:"wl-" doc:"Prefix of the Transit keys; the environment's name follows it."`
	Namespace    string `key:"namespace" doc:"Namespace of Vault Enterprise."`
	CAFile       string `key:"ca_file" doc:"PEM file of the certificate authority of Vault. Default: the system's."`
	Auth         string `key:"auth" default:"token" oneof:"token,approle" doc:"How to authenticate to Vault."`
	Token        Secret `key:"token" secret:"value" doc:"Token, for auth token."`
	RoleID       string `key:"role_id" doc:"Role id, for auth approle."`
	SecretID     Secret `key:"secret_id" secret:"value" doc:"Secret id, for auth approle."`
	AppRoleMount string `key:"approle_mount" default:"approle" doc:"Path of the AppRole method."`
}

// LocalKey is the key that wraps data keys without Vault.
type LocalKey struct {
	File string `key:"file" doc:"File of the local key ring, mode 0600, made at the first start. Default: local.key in data_dir."`
}

// KeyLife is how long opened data keys stay in memory.
type KeyLife struct {
	Soft time.Duration `key:"soft" default:"5m" doc:"Age at which a data key in memory is unwrapped anew in the background."`
	Hard time.Duration `key:"hard" default:"15m" doc:"Age at which a data key in memory is no longer used; 0s keeps none."`
}

// Egress is where requests may be sent beyond public addresses.
type Egress struct {
	Allow []string `key:"allow" check:"true" doc:"Private or loopback destinations that apps may reach, such as 10.20.0.0/16:443, 127.0.0.1:8080 or db.internal:5432."`
}

// Limits bound what calls may use.
type Limits struct {
	CallTimeout       time.Duration `key:"call_timeout" default:"30s" doc:"Longest time of one request to an app."`
	GlobalConcurrency int           `key:"global_concurrency" default:"512" doc:"Requests to apps under way at once."`
	MaxResponseBytes  Bytes         `key:"max_response_bytes" default:"8MiB" doc:"Largest answer of an app that is read, after decompression."`
}

// MCP is what the agents' door accepts.
type MCP struct {
	Origins []string `key:"origins" doc:"Origins of web pages that may call /mcp, such as https://console.example.com."`
	Hosts   []string `key:"hosts" doc:"Host names that /mcp answers to beyond those of listen and public_url."`
}

// Attempts are connections being made.
type Attempts struct {
	TTL time.Duration `key:"ttl" default:"24h" doc:"How long an attempt may be corrected and tested before it is forgotten."`
}

// SecretFile returns the file that a secret such as "vault.token" was read from,
// for those who read it again when it changes; empty if it came otherwise.
func (c *Config) SecretFile(key string) string { return c.files[key] }

// Warnings returns what is allowed but probably not meant, for the log.
func (c *Config) Warnings() []string { return c.warnings }
