// Package client talks to a Wayleave server over its REST API, for the
// administrative verbs of the command line.
//
// A [Client] sends requests with the caller's key and turns a problem+json
// answer into a [Problem], which is an error that can be printed as it is.
// Bodies stay JSON as the server sent them: a command decodes the members it
// shows and prints the rest unchanged under -o json.
//
// It holds no logic of the product and imports none of it. cmd/wayleave's
// scripts test it against a real server.
package client
