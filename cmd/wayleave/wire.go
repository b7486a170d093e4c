package main

import (
	"context"
	"net"
	"net/netip"
	"net/url"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/server"
)

// wire puts a server together as the settings say. self are the addresses that
// this process serves on, which no app may reach.
func wire(ctx context.Context, cfg *config.Config, log zerolog.Logger, self []netip.AddrPort) (*server.Server, error) {
	rules, _, err := egressRules(cfg)
	if err != nil {
		return nil, err
	}
	apps, err := loadApps(cfg.AppsDir)
	if err != nil {
		return nil, err
	}
	return server.Open(ctx, server.Config{
		StoreURL:     cfg.Store.URL.Reveal(),
		RedisURL:     cfg.Redis.URL.Reveal(),
		Vault:        vaultConfig(cfg),
		LocalKey:     cfg.LocalKey.File,
		KeySoft:      cfg.Keys.Soft,
		KeyHard:      cfg.Keys.Hard,
		Environments: environmentSet(cfg),
		Egress:       egress.Policy{Allow: rules, Self: self},
		Apps:         apps,
		CallTimeout:  cfg.Limits.CallTimeout,
		MaxBytes:     int64(cfg.Limits.MaxResponseBytes),
		Concurrency:  cfg.Limits.GlobalConcurrency,
		AttemptTTL:   cfg.Attempts.TTL,
		MCPHosts:     doorHosts(cfg),
		MCPOrigins:   cfg.MCP.Origins,
		Version:      version(),
		Log:          log,
	})
}

// vaultConfig returns how to use Vault, or nil if it is not configured. Secrets
// that came from a file are read again when they no longer serve.
func vaultConfig(cfg *config.Config) *transit.Config {
	v := cfg.Vault
	if v.Address == "" {
		return nil
	}
	auth := transit.Auth{Method: v.Auth, RoleID: v.RoleID, Mount: v.AppRoleMount,
		TokenFile: cfg.SecretFile("vault.token"), SecretIDFile: cfg.SecretFile("vault.secret_id")}
	if auth.TokenFile == "" {
		auth.Token = v.Token.Reveal()
	}
	if auth.SecretIDFile == "" {
		auth.SecretID = v.SecretID.Reveal()
	}
	return &transit.Config{Address: v.Address, Mount: v.Mount, KeyPrefix: v.KeyPrefix, Namespace: v.Namespace, CACert: v.CAFile, Auth: auth}
}

func environmentSet(cfg *config.Config) environments.Set {
	set := make(environments.Set, len(cfg.Environments))
	for i, name := range cfg.Environments {
		set[i] = environments.Name(name)
	}
	return set
}

// selfAddresses are where this process serves.
func selfAddresses(l net.Listener) []netip.AddrPort {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return []netip.AddrPort{tcp.AddrPort()}
	}
	return nil
}

// doorHosts are the names that /mcp answers to beyond loopback ones.
func doorHosts(cfg *config.Config) []string {
	hosts := append([]string{}, cfg.MCP.Hosts...)
	if u, err := url.Parse(cfg.PublicURL); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host)
	}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" {
		if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
			hosts = append(hosts, cfg.Listen)
		}
	}
	return hosts
}
