// Package e2e runs whole servers as their users do: over REST and MCP, on the
// embedded backends and on real Vault, Redis and PostgreSQL, against products
// that run beside them.
//
// It holds only tests and what they share. What is tested here is what no
// package can promise alone: that a connection becomes tools, that environments
// and tenants stay apart, that no secret leaves, and that backends may come and
// go.
package e2e
