// Package access knows who calls: tenants, the agents and workflows in them,
// and the keys that administrators, agents and workflows present.
//
// A key is shown once, when it is made, and stored as a hash. What a key may do
// is its [Grant]; who presents it is a [Principal]. [Authenticator] turns the
// one into the other at every door. Tenants are decided here and nowhere else:
// a tenant is only ever taken from a Principal, never from a request.
//
// Storage sits behind the narrow stores declared here; internal/store keeps
// them and its conformance suite holds what they promise.
package access
