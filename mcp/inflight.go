package mcp

import (
	"context"
	"sync"
	"time"
)

// closeGrace is how long closing waits for messages that it has cancelled. One
// may be stuck in writing to a client that does not read.
const closeGrace = 2 * time.Second

// inflight counts the messages under way, so that closing can wait for them.
type inflight struct {
	ctx    context.Context // ends when what is under way must stop
	cancel context.CancelFunc

	mu     sync.Mutex
	count  int
	closed bool
	idle   chan struct{} // closed when the door is closed and nothing is under way
}

func newInflight() *inflight {
	f := &inflight{idle: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// begin notes a message that must be ended by end. It reports false when the
// door is closed.
func (f *inflight) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.count++
	return true
}

func (f *inflight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	if f.closed && f.count == 0 {
		close(f.idle)
	}
}

// close refuses further messages and waits for those under way; when ctx ends
// it cancels them and waits a little longer.
func (f *inflight) close(ctx context.Context) error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		if f.count == 0 {
			close(f.idle)
		}
	}
	f.mu.Unlock()

	defer f.cancel()
	select {
	case <-f.idle:
		return nil
	case <-ctx.Done():
		f.cancel()
		select {
		case <-f.idle:
		case <-time.After(closeGrace):
		}
		return ctx.Err()
	}
}
