// Package page is how lists are read: a page at a time, by an opaque cursor.
//
// Lists are ordered by id, and ids are made in the order of time (UUIDv7), so a
// page never repeats or skips a record because another was added.
package page
