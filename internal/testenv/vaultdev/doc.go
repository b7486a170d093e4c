// Command vaultdev is a Vault server for tests on the loopback interface: a real
// Vault core (tokens, policies, seal and unseal, quotas, audit) with the transit
// engine and the AppRole method, over files or memory.
//
// It exists because no Vault server comes with the systems that tests run on. It
// is a module of its own so that its requirements never touch the product's, and
// stands on a release of Vault under the MPL that builds from published packages
// (1.14.1 ends with a panic, 1.14.8 does not compile). Below stubs are empty stand-ins for the cloud auto-join and cloud
// key packages, which would pull in a dozen SDKs.
//
// It takes the part of Vault's command line that the tests use, so that a vault
// or bao found on PATH is started in the same way:
//
//	vaultdev server -config=FILE.json
//	vaultdev version
//
// It speaks plain HTTP, has no high availability and none of the Enterprise
// features. Never run it for anything but tests.
package main
