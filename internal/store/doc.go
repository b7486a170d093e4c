// Package store keeps the records of Wayleave in SQL: tenants, agents and
// workflows, keys, auth configs, attempts, connections, toolkits, claims of
// idempotency keys, and the feed of what changed.
//
// One [Store] and one SQL text serve SQLite, the embedded default, and
// PostgreSQL, for several replicas. The packages whose nouns are kept here say
// what keeping them promises (access.Keys, credentials.AuthConfigs,
// connections.Store, …); this package adds no promise of its own but how it is
// opened. One file per noun.
//
// It never sees a secret: what it is given is sealed or hashed already. It
// decides nothing either; who may do what was decided by those who call.
//
// Every method takes the tenant from its caller and puts it into the key it
// reads or writes, so that an id of another tenant is an unknown one. Every
// change of a record and the word of it in the feed are one transaction.
//
// What the records promise is held by internal/store/storetest and
// connections/connectionstest, run on both databases; what only one of them can
// get wrong (a full disk, a killed process, a server that goes away) is tested
// here.
package store
