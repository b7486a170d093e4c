// Package connectionstest says what an implementation of a contract of
// connections must do, and tries it: [TestStore] for connections.Store and
// connections.Attempts, [TestTracker] for connections.Tracker.
//
// Every backend runs the same suite on the real server. The package knows none
// of them.
package connectionstest
