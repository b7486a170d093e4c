// Package redis keeps what is tracked of connections in Redis, for
// installations of more than one replica. It runs on a single server, behind
// Sentinel and on a Cluster, with commands that Redis 7.0 knows.
//
// [Tracker] is a [connections.Tracker]: health, last use, expiry, and word of
// changes between replicas. All of it can be rebuilt and none of it is secret;
// credentials, tokens and records never come here. A Redis that is down costs a
// caller nothing but the answer fault.StoreUnavailable.
//
// The contract is tested by connections/connectionstest against all three
// topologies.
package redis
