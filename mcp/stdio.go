package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"sync"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

// maxConcurrent bounds the calls that one stdio client has under way.
const maxConcurrent = 64

// A pipe is one stdio client: the process at the other end of in and out.
type pipe struct {
	door   *Door
	caller caller
	ctx    context.Context // ends every call
	stop   context.CancelCauseFunc

	writing sync.Mutex
	out     io.Writer // nil once ServeStdio has returned

	mu      sync.Mutex
	running map[string]context.CancelFunc // by idKey; nil: cancelled, not yet ended
	ended   bool                          // no further call is begun
	calls   sync.WaitGroup
}

// ServeStdio serves the client at the other end of in and out: a message a
// line, for p in the environment env (empty: the one that p is granted).
//
// At the end of in it finishes what is under way and returns nil. When ctx ends
// it cancels that, lets it be answered and returns nil; a read of in that is
// under way then is left behind, so in must be the process's own or be closed by
// the caller. An out that cannot be written ends it with that error.
func (d *Door) ServeStdio(ctx context.Context, p *access.Principal, env environments.Name, in io.Reader, out io.Writer) error {
	s := &pipe{door: d, caller: caller{p, env}, out: out, running: map[string]context.CancelFunc{}}
	s.ctx, s.stop = context.WithCancelCause(ctx)
	defer s.stop(nil)

	read := make(chan error, 1)
	go func() { read <- s.readAll(in) }()
	var err error
	select {
	case err = <-read:
	case <-s.ctx.Done():
		if ctx.Err() == nil {
			err = context.Cause(s.ctx)
		}
	}
	s.end()
	return err
}

// end waits for what is under way and has nothing begin or be written after.
func (s *pipe) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.calls.Wait()
	s.writing.Lock()
	s.out = nil
	s.writing.Unlock()
}

// readAll handles messages until in ends, which is no error, or breaks.
func (s *pipe) readAll(in io.Reader) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for s.ctx.Err() == nil {
		line, tooLong, err := readLine(lines, int(s.door.config.MaxBody))
		if tooLong {
			e := tooLarge(s.door.config.MaxBody)
			if failed := s.write(appendError(nil, nil, e)); failed != nil {
				return failed
			}
		} else if len(line) > 0 {
			if failed := s.handle(line); failed != nil {
				return failed
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fault.Wrap(fault.Internal, err, "reading from the client failed")
		}
	}
	return nil
}

// readLine returns the next line without its end. Of a line beyond limit it
// keeps nothing, however long it is.
func readLine(r *bufio.Reader, limit int) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
		}
		if len(line) > limit+1 {
			line, tooLong = nil, true
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		return trimEnd(line), tooLong, err
	}
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

// handle answers one message, or begins to. It fails only if the client cannot
// be written to.
func (s *pipe) handle(line []byte) error {
	m, refused := parse(line)
	if refused != nil {
		return s.write(appendError(nil, refused.id, refused))
	}
	e, refused := eraOf(m, nil)
	if refused != nil {
		return s.write(appendError(nil, m.id, refused))
	}
	switch {
	case m.method == string(protocol.MethodNotificationCancelled):
		s.cancel(m.params.requestID)
		return nil
	case m.notification():
		return nil
	case m.method == string(protocol.MethodToolsCall), m.method == string(protocol.MethodToolsList):
		return s.start(m, e)
	}
	return s.write(s.door.answer(s.ctx, s.caller, m, e, nil).body)
}

// start answers a message that may take long beside the others.
func (s *pipe) start(m *message, e era) error {
	ctx, cancel := context.WithCancel(s.ctx)
	if refused := s.register(m.id, cancel); refused != nil {
		cancel()
		return s.write(appendError(nil, m.id, refused))
	}
	go func() {
		defer s.calls.Done()
		defer cancel()
		defer s.door.inflight.end()
		answer := s.door.answer(ctx, s.caller, m, e, nil)
		if s.release(m.id) {
			return // cancelled: the client waits for no answer
		}
		if err := s.write(answer.body); err != nil {
			s.stop(err)
		}
	}()
	return nil
}

// register notes a request as under way, for cancel to find.
func (s *pipe) register(id json.RawMessage, cancel context.CancelFunc) *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := idKey(id)
	switch _, taken := s.running[key]; {
	case taken:
		return refuse(codeInvalidRequest, "a request with this id is still under way")
	case len(s.running) >= maxConcurrent:
		return ofFault(fault.New(fault.RateLimited, "%d calls are under way already", maxConcurrent).
			WithFix("Wait until some of them are answered."), "")
	case s.ended, !s.door.inflight.begin():
		return &rpcError{code: codeInternal, message: "the server is shutting down"}
	}
	s.running[key] = cancel
	s.calls.Add(1)
	return nil
}

// release forgets a request and reports whether it had been cancelled.
func (s *pipe) release(id json.RawMessage) (cancelled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := idKey(id)
	cancelled = s.running[key] == nil
	delete(s.running, key)
	return cancelled
}

// cancel cancels the request with this id, if it is under way.
func (s *pipe) cancel(id json.RawMessage) {
	if len(id) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.running[idKey(id)]; cancel != nil {
		cancel()
		s.running[idKey(id)] = nil // its id stays taken until it has ended
	}
}

// write sends one answer as one line.
func (s *pipe) write(answer []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.out == nil {
		return nil
	}
	if _, err := s.out.Write(append(answer, '\n')); err != nil {
		return fault.Wrap(fault.Internal, err, "writing to the client failed")
	}
	return nil
}
