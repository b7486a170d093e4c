// Package servers finds, starts and stops the real servers that Wayleave is
// tested against: Redis alone, as a cluster and under Sentinel, PostgreSQL, and
// Vault.
//
// Every server is a private process on a loopback port with its data in a folder
// given by the caller. It is stopped by its process id, never by name. The
// package decides nothing about tests and imports nothing of the product;
// internal/testenv and its command build on it, and the tests of internal/testenv
// start, stop and kill each server.
package servers
