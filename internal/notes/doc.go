// Package notes is a sample product for Wayleave to connect to: a notebook with
// an HTTP API of its own and keys of its own, as the products of others have.
//
// A [Server] keeps one workspace: an environment with its own notes and its own
// keys. It is deliberately imperfect, as real products are: it limits its rate,
// one of its operations fails two times out of three and another is as slow as
// asked. `wayleave demo` connects to it, and so do the tests.
//
// It knows nothing of Wayleave, keeps everything in memory and is never linked
// into a call's path. The contract is the app definition notes in
// toolkits/catalog.
package notes
