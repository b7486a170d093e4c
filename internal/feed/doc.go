// Package feed lets every replica know what has changed, and lets caches rely
// on it.
//
// The store writes a [Change] in the transaction of every change of a record. A
// [Feed] polls for them, sooner when woken, and tells its subscribers. It is
// fresh while it was caught up within a second, and only then may a [Cache]
// answer; otherwise the record is read from the store. So a record that was
// revoked anywhere is refused everywhere within one second, whatever was
// cached, and whatever became of the wake-up call.
package feed
