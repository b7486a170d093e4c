package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// A provider gets one service.
type provider struct {
	service testenv.Service
	program *program
	// variable names the server that all tests share; set in our own
	// environment, it names one that runs elsewhere.
	variable string
	external func(value string) (version string, err error)
	start    func(e *environment, program string) (version string, err error)
}

// providers returns how each service is had. The kinds of Redis share a program.
func providers() []provider {
	redis, postgres, vault := redisProgram(), postgresProgram(), vaultProgram()
	return []provider{
		{testenv.ServiceRedis, redis, testenv.EnvRedis, servers.RedisVersion, startRedis},
		{testenv.ServiceCluster, redis, testenv.EnvCluster, clusterVersion, startCluster},
		{testenv.ServiceSentinel, redis, testenv.EnvSentinel, sentinelVersion, startSentinel},
		{testenv.ServicePostgres, postgres, testenv.EnvPostgres, servers.PostgresVersion, startPostgres},
		{testenv.ServiceVault, vault, testenv.EnvVault, vaultVersion, startVault},
	}
}

// provide gets the services, programs one after the other and servers at once,
// and fills the table.
func (e *environment) provide(ctx context.Context, wanted []testenv.Service) {
	list := slices.DeleteFunc(providers(), func(p provider) bool { return !slices.Contains(wanted, p.service) })
	for _, p := range list {
		p.program.get(ctx)
		if p.program.path != "" {
			e.set(p.program.variable, p.program.path)
		}
	}
	e.rows = make([]row, len(list))
	var done sync.WaitGroup
	for i, p := range list {
		done.Go(func() { e.rows[i] = e.provideOne(p) })
	}
	done.Wait()
}

// provideOne gets one service. One that runs elsewhere is still missing for the
// tests that start their own when there is no program for them.
func (e *environment) provideOne(p provider) row {
	r := row{service: p.service, how: p.program.how}
	var err error
	if value := os.Getenv(p.variable); value != "" {
		r.how = "external"
		if r.version, err = p.external(value); err == nil {
			err = p.program.err
		}
	} else if err = p.program.err; err == nil {
		r.version, err = p.start(e, p.program.path)
	}
	if err != nil {
		r.missing = oneLine(err)
	}
	return r
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func startRedis(e *environment, program string) (string, error) {
	s, err := servers.StartRedis(program, e.options())
	if err != nil {
		return "", err
	}
	e.keep(s)
	e.set(testenv.EnvRedis, "redis://"+s.Addr)
	return servers.RedisVersion(s.Addr)
}

func startCluster(e *environment, program string) (string, error) {
	nodes, err := servers.StartCluster(program, e.options())
	if err != nil {
		return "", err
	}
	e.keep(nodes...)
	e.set(testenv.EnvCluster, strings.Join(servers.Addrs(nodes), ","))
	return servers.RedisVersion(nodes[0].Addr)
}

func clusterVersion(value string) (string, error) {
	return servers.RedisVersion(strings.Split(value, ",")[0])
}

func startSentinel(e *environment, program string) (string, error) {
	group, err := servers.StartSentinel(program, e.options())
	if err != nil {
		return "", err
	}
	e.keep(group.Servers()...)
	e.set(testenv.EnvSentinel, "master="+servers.MasterName+";"+strings.Join(group.Addrs(), ","))
	return servers.RedisVersion(group.Master.Addr)
}

func sentinelVersion(value string) (string, error) {
	master, addrs, err := testenv.ParseSentinel(value)
	if err != nil {
		return "", err
	}
	addr, err := servers.CurrentMaster(addrs[0], master)
	if err != nil {
		return "", err
	}
	return servers.RedisVersion(addr)
}

func startPostgres(e *environment, program string) (string, error) {
	p, err := servers.StartPostgres(program, e.options())
	if err != nil {
		return "", err
	}
	e.keep(p.Server)
	e.set(testenv.EnvPostgres, p.URL)
	return servers.PostgresVersion(p.URL)
}

func startVault(e *environment, program string) (string, error) {
	v, err := servers.StartVault(program, e.options())
	if err != nil {
		return "", err
	}
	e.keep(v.Server)
	e.set(testenv.EnvVault, v.API.Addr)
	e.set(testenv.EnvVaultToken, v.API.Token)
	return v.API.Version()
}

func vaultVersion(value string) (string, error) { return servers.VaultAPI{Addr: value}.Version() }
