// Package egress is the only place that sends bytes to an address that a
// tenant, an app definition or an upstream's answer can influence: tool calls,
// token requests, discovery, imports, databases.
//
// It owns three questions and asks them in this order. May this app talk to
// this host (Hosts, on every hop, before a credential is put on the request)?
// May anyone talk to this address (at dial time, on the address that is really
// connected to, so that DNS cannot change its mind in between)? Is the answer
// within its limits (headers, decompressed size, deadline)?
//
// Private, loopback, link-local, metadata and otherwise special addresses are
// refused unless the operator's [Policy] names them and the app asks for it. A
// connection that was opened under an allow rule is kept apart from those that
// were not, since a pooled connection is never dialled again and so would never
// be checked again; and tenants do not share connections.
//
// It never sees a secret of its own accord: whoever calls puts the credential
// on in the authorize function of [Guard.Do]. It never retries a write, never
// uses a proxy from the environment, and its errors never hold a path, a query,
// a header value or a body.
//
// The contract is tested in this directory, on loopback, and once more in an
// empty network namespace where "public" addresses can be played safely.
package egress
