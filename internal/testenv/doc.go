// Package testenv gives tests the real servers that Wayleave works with: Redis
// alone, as a cluster and under Sentinel, PostgreSQL and Vault.
//
// The command in internal/testenv/cmd finds, installs or builds the servers,
// starts them on loopback ports, runs a test command and stops them. Tests ask
// this package, which only hands out what the command announced in the
// environment: [Redis], [Postgres] and [Vault] give each test a part of its own
// of a server that all share; [OwnRedis], [OwnRedisSentinel], [OwnPostgres] and
// [OwnVault] start one that the test may stop, pause, seal or kill.
//
// Without the command a test that asks is skipped, with the reason; REAL=1 or
// CI=true makes that a failure. Nothing is ever replaced by a fake. The package
// imports nothing of the product, so every test may import it; its own tests use
// each server.
package testenv
