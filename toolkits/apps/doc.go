// Package apps reads app definitions: the YAML files that declare an external
// product, its hosts, how it is authenticated to, how a connection to it is
// tested, what its errors mean and which tools it offers.
//
// [Parse] checks a definition once, against its JSON Schema and the rules that
// keep a credential on its hosts, and compiles it; what it returns is immutable
// and safe for concurrent use. Everything that is decided by data is decided
// here: params, addresses, requests, success, identity, failure. Nothing here
// opens a connection or holds a secret.
package apps
