package egress

import "net/netip"

// Permit asks the policy about an address without connecting to it.
func (g *Guard) Permit(host string, to netip.AddrPort, private bool) error {
	return g.wall.permit(host, to, private)
}

// KeepPools changes how many pools are kept.
func (g *Guard) KeepPools(n int) { g.pools.max = n }
