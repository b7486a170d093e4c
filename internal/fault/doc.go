// Package fault holds the one failure vocabulary of Wayleave: what can go
// wrong, said in words that an agent, a user and an operator can each act on.
//
// A [Kind] is a code of the vocabulary and itself an error, so
// errors.Is(err, fault.ConnectionExpired) reads as it is meant. An [Error]
// carries a Kind with what happened, what to do about it and the cause for the
// log. One table, [Kind.Meaning], turns a Kind into an HTTP status, a title and
// whether trying again can help; no other package decides these.
//
// The package imports nothing of Wayleave and is imported by nearly all of it.
package fault
