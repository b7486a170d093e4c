// Package apps reads app definitions: the YAML files that declare an external
// product, its hosts, how it is authenticated to, how a connection to it is
// tested, what its errors mean and which tools it offers.
// docs/app-definitions.md explains the format to those who write one.
//
// [Parse] checks a definition once, against its JSON Schema (app.schema.json)
// and the rules that keep a credential on its hosts, and compiles it; what it
// returns is immutable and safe for concurrent use. Everything that is decided
// by data is decided here: params and addresses ([App.Site]), arguments
// ([Tool.Check]), requests ([Request.Build]), success and identity ([Test]) and
// failure ([App.Failure]).
//
// Nothing here opens a connection or holds a secret. Definitions and arguments
// come from people and models we do not know; the tests here hold both to tables
// of hostile ones, and FuzzParse and FuzzCheck to those nobody thought of.
package apps
