package testenv

import (
	"testing"

	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// A Process is a server that belongs to one test, on an address that it keeps
// over restarts. It is stopped after the test. Its methods are for one goroutine
// at a time.
type Process struct {
	t      testing.TB
	server *servers.Server
}

func own(t testing.TB, server *servers.Server) *Process {
	t.Cleanup(server.Stop)
	return &Process{t: t, server: server}
}

// HostPort returns the address on which the server listens.
func (p *Process) HostPort() string { return p.server.Addr }

// Start starts the server again and waits until it answers.
func (p *Process) Start() {
	p.t.Helper()
	if err := p.server.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// Stop ends the server in an orderly way.
func (p *Process) Stop() { p.server.Stop() }

// Kill ends the server as a crash would, with SIGKILL.
func (p *Process) Kill() { p.server.Kill() }

// Pause makes the server hang: connections stay open, nothing is answered.
func (p *Process) Pause() { p.server.Pause() }

// Continue ends a Pause.
func (p *Process) Continue() { p.server.Continue() }

// A RedisServer is a test's own standalone Redis.
type RedisServer struct {
	*Process
	URL string // redis://host:port/0
}

// OwnRedis starts a Redis for this test. It keeps its data over Stop and Start
// and loses it with Kill.
func OwnRedis(t testing.TB) *RedisServer {
	t.Helper()
	program := need(t, ServiceRedis, EnvRedisProgram)
	server, err := servers.StartRedis(program, servers.Options{Dir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	return &RedisServer{Process: own(t, server), URL: "redis://" + server.Addr + "/0"}
}

// A SentinelGroup is a test's own Redis master and replica under three
// sentinels, which replace a master that is gone for a second.
type SentinelGroup struct {
	Name      string   // of the master
	Addrs     []string // of the sentinels
	Master    *Process // as at the start
	Replica   *Process // as at the start
	Sentinels []*Process
}

// OwnRedisSentinel starts a master, a replica and three sentinels for this test.
func OwnRedisSentinel(t testing.TB) *SentinelGroup {
	t.Helper()
	group, err := servers.StartSentinel(need(t, ServiceSentinel, EnvRedisProgram), servers.Options{Dir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	g := &SentinelGroup{Name: servers.MasterName, Addrs: group.Addrs(), Master: own(t, group.Master), Replica: own(t, group.Replica)}
	for _, sentinel := range group.Sentinels { // stopped first: cleanups run last to first
		g.Sentinels = append(g.Sentinels, own(t, sentinel))
	}
	return g
}

// A PostgresServer is a test's own PostgreSQL.
type PostgresServer struct {
	*Process
	URL string // postgres:// URL of the superuser and the database postgres
}

// OwnPostgres starts a PostgreSQL for this test. What is committed survives Stop
// and Kill.
func OwnPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	program := need(t, ServicePostgres, EnvPostgresProgram)
	server, err := servers.StartPostgres(program, servers.Options{Dir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	return &PostgresServer{Process: own(t, server.Server), URL: server.URL}
}

// An OwnVaultServer is a test's own Vault. After Start it is sealed.
type OwnVaultServer struct {
	VaultServer
	*Process

	vault *servers.Vault
}

// OwnVault starts a Vault for this test, unsealed, with a transit engine. It
// keeps its data over Stop, Kill and Start.
func OwnVault(t testing.TB) *OwnVaultServer {
	t.Helper()
	program := need(t, ServiceVault, EnvVaultProgram)
	server, err := servers.StartVault(program, servers.Options{Dir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	v := &OwnVaultServer{Process: own(t, server.Server), vault: server}
	v.VaultServer = VaultServer{Addr: server.API.Addr, RootToken: server.API.Token, t: t, own: true}
	v.prepare("transit")
	return v
}

// Seal has Vault forget its keys: it answers every request with 503.
func (v *OwnVaultServer) Seal() {
	v.VaultServer.t.Helper()
	if err := v.vault.Seal(); err != nil {
		v.VaultServer.t.Fatal(err)
	}
}

// Unseal opens Vault after Seal or Start.
func (v *OwnVaultServer) Unseal() {
	v.VaultServer.t.Helper()
	if err := v.vault.Unseal(); err != nil {
		v.VaultServer.t.Fatal(err)
	}
}
