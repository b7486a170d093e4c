// Package storetest says what keeping the records of Wayleave promises, whatever
// keeps them: every field comes back as it was, names are taken once, an update
// is of the stored version or refused, other tenants see nothing, what is used
// cannot be deleted, and each change is told by the feed in order.
//
// [Test] runs all of it but connections and attempts, which are the business of
// connections/connectionstest. It knows nothing of SQL and imports no
// implementation.
package storetest
