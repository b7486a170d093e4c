// Package server puts a Wayleave together from its parts: records, tracker,
// sealer, guard, catalog, registries and the two doors.
//
// It is the one place where backends are chosen, so that the binary, the demo
// and the tests run the same server. It decides nothing else. internal/e2e
// tests what it makes, on every set of backends.
package server
