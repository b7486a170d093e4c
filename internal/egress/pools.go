package egress

import (
	"container/list"
	"net/http"
	"sync"
)

// maxPools is how many pools are kept; the one unused for longest goes first.
const maxPools = 1024

// A poolKey says whose connections a pool holds. Whether allow rules count is
// part of it, because a connection taken from a pool is not dialled and hence
// not checked.
type poolKey struct {
	name    string
	private bool
}

// pools keeps connections apart that must not be shared.
type pools struct {
	open func(private bool) *http.Transport
	max  int

	mu    sync.Mutex
	order *list.List // of *pool, the last used first
	byKey map[poolKey]*list.Element
}

type pool struct {
	key       poolKey
	transport *http.Transport
}

func newPools(open func(private bool) *http.Transport) *pools {
	return &pools{open: open, max: maxPools, order: list.New(), byKey: map[poolKey]*list.Element{}}
}

// get returns the transport of a pool. Requests under way on one that is
// forgotten finish; its connections close as they become idle.
func (p *pools) get(name string, private bool) *http.Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := poolKey{name, private}
	if e, ok := p.byKey[key]; ok {
		p.order.MoveToFront(e)
		return e.Value.(*pool).transport
	}
	if p.order.Len() >= p.max {
		oldest := p.order.Remove(p.order.Back()).(*pool)
		delete(p.byKey, oldest.key)
		oldest.transport.CloseIdleConnections()
	}
	t := p.open(private)
	p.byKey[key] = p.order.PushFront(&pool{key, t})
	return t
}

// closeIdle closes the idle connections of all pools.
func (p *pools) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.order.Front(); e != nil; e = e.Next() {
		e.Value.(*pool).transport.CloseIdleConnections()
	}
}
