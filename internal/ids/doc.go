// Package ids makes the identifiers of records: a prefix that says what the
// record is, and a UUIDv7 in lower-case base32, so that ids sort by time.
package ids
