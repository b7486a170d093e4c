// Command wayleave is the whole product in one binary: the server, and the
// verbs that administer one.
//
// `wayleave serve` reads the settings and has internal/server put everything
// together as they say; wire.go is where the one becomes the other.
// `wayleave mcp` serves the same tools over stdio. Every other verb that
// touches records is a client of a server's REST API and holds no logic of its
// own, one file per verb. A secret is never taken from the command line.
//
// The scripts in testdata run the real binary against real servers; they are
// the contract of every verb, its help and its failures.
package main
