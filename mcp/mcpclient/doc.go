// Package mcpclient is a small MCP client: it lists and calls the tools of one
// server over Streamable HTTP, as an agent's program would. The demo and the
// tests of the whole product speak through it, so that what they show is what a
// client of the field sees.
//
// It stands below mcp because only there is the protocol's library imported. It
// knows nothing of Wayleave but where a failed call's code is, and no call of
// the product passes through it. Its tests are those of who uses it.
package mcpclient
