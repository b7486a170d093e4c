// Command cmd runs tests with the real servers that they need.
//
//	go run ./internal/testenv/cmd [-only redis,vault] -- go test -race ./...
//
// For each service it takes, in this order, a server named by the environment
// (WAYLEAVE_TEST_REDIS and so on, see package testenv), a program on PATH or in a
// known place, or one that it installs with the system's package manager (as
// root or with passwordless sudo) or, for Vault, builds from vaultdev into the
// user's cache folder. It starts private processes on loopback ports, with all
// they keep in one temporary folder, says which it has, runs the command, and
// stops and removes everything: also on a signal, and even when killed.
//
// If the command is a `go test`, what failed is shown in full, and the last line
// counts the tests, subtests one by one. A service that could not be had fails
// the run, unless ALLOW_MISSING names it; with CI=true nothing may be missing.
package main
