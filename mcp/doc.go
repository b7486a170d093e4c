// Package mcp is the agents' door: tools over the Model Context Protocol, by
// Streamable HTTP and by stdio.
//
// A [Door] owns all that lies between the wire and a tool: who may knock (Host,
// Origin, key), what counts as a message (one strict reading of the JSON), which
// era of the protocol it belongs to, and how a result or a failure is told to a
// model. tools/list and tools/call are answered here, from the message as it was
// read once; every other method is answered by mcp-go, which this package alone
// imports. Both eras are served on one endpoint: the handshake one (up to
// 2025-11-25) and the stateless one (2026-07-28). No session is kept: any replica
// can answer any message, and nothing that one caller sends reaches another.
//
// The package decides no permission, resolves no environment and opens no
// connection; [Tools] does, and *toolkits.Runner is one.
//
// What the door promises is held by conversations in testdata, by the list of bad
// inputs in testdata/bad-inputs.json and by a fuzz test of the gate.
package mcp
