// Package connections keeps the authorised links between this server and
// external apps, and knows how each of them is doing.
//
// A [Connection] begins as an [Attempt] and exists once a test request has
// succeeded. From then on it is only ever opened: Open returns an [Upstream]
// that checks the host of every request, puts the credential on it and notes
// its outcome, so that callers see no secret and none can forget to record a
// failure. The connection test, the health check and a tool call all go through
// the same Upstream.
//
// Records sit behind [Store], what is tracked (health, last used, expiry) behind
// [Tracker]; connectionstest says what an implementation of either must do.
package connections
