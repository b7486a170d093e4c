package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// How long a server may take to answer after its start, and to end after it was
// asked to. Both are far above what is usual, for machines that are busy.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
)

// Options say where a server runs.
type Options struct {
	// Dir is an existing folder; the server gets a new one below it.
	Dir string
	// Detached puts the process into a group of its own, so that a Ctrl-C meant
	// for the tests leaves stopping the server to who started it. Otherwise it
	// shares the caller's group and ends with it.
	Detached bool
	// Started is told the id of each process started, Ended when it has ended.
	Started, Ended func(pid int)
}

// A command is how a process is started; the same each time.
type command struct {
	name string // for messages
	path string
	args []string
	dir  string
	user *account // nil: the caller's
	quit os.Signal
	// patient servers may end at once while the children of the one before,
	// which was killed, are still on their way out.
	patient bool
}

// A Server is one server process. It keeps its address over restarts. Its
// methods are for one goroutine at a time.
type Server struct {
	Addr string // host:port

	cmd     command
	options Options
	ready   func() error // nil when it answers
	process *os.Process
	ended   chan struct{}
}

// PID returns the id of the process, 0 when it is stopped.
func (s *Server) PID() int {
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

// Start starts the process and waits until it answers. A server that runs
// already is left alone.
func (s *Server) Start() error {
	deadline := time.Now().Add(stopTimeout)
	for {
		err := s.start()
		if !errors.Is(err, errEnded) || !s.cmd.patient || time.Now().After(deadline) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// errEnded is the failure of a server that ends before it answers.
var errEnded = errors.New("it ended at once")

func (s *Server) start() error {
	if s.process != nil {
		return nil
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.cmd.path, s.cmd.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.cmd.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: s.options.Detached}
	if s.cmd.user != nil {
		cmd.SysProcAttr.Credential = s.cmd.user.credential()
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.cmd.name, err)
	}
	s.watch(cmd)
	return s.await()
}

// watch notes the process and has its end noticed.
func (s *Server) watch(cmd *exec.Cmd) {
	ended, pid := make(chan struct{}), cmd.Process.Pid
	s.process, s.ended = cmd.Process, ended
	if s.options.Started != nil {
		s.options.Started(pid)
	}
	go func() {
		_ = cmd.Wait()
		if s.options.Ended != nil {
			s.options.Ended(pid)
		}
		close(ended)
	}()
}

// await returns once the server answers; one that does not is stopped.
func (s *Server) await() error {
	deadline := time.Now().Add(startTimeout)
	for {
		// The answer may come from a stranger who took the port, so ours must
		// still be alive after it.
		err := s.ready()
		select {
		case <-s.ended:
			s.process = nil
			return fmt.Errorf("%s does not start: %w: %s", s.cmd.name, errEnded, s.lastWords())
		default:
		}
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("%s does not answer (%w): %s", s.cmd.name, err, s.lastWords())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the process in an orderly way, or by force if it does not obey.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	s.Continue() // a paused process hears nothing
	_ = s.process.Signal(s.cmd.quit)
	select {
	case <-s.ended:
		s.process = nil
	case <-time.After(stopTimeout):
		s.Kill()
	}
}

// Kill ends the process, and those that it has started, as a crash would.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	started := children(s.process.Pid)
	defer killAll(started)
	if err := s.process.Kill(); err == nil || errors.Is(err, os.ErrProcessDone) {
		<-s.ended
	}
	s.process = nil
}

// Pause stops the process from running without closing its connections: what a
// caller sees of a server that hangs.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Continue ends a Pause.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if s.process != nil {
		_ = s.process.Signal(sig)
	}
}

// logFile stands beside the server's folder, which may have to be empty or
// belong to another user.
func (s *Server) logFile() string { return s.cmd.dir + ".log" }

// lastWords returns the end of what the server printed, on one line.
func (s *Server) lastWords() string {
	raw, err := os.ReadFile(s.logFile())
	if err != nil {
		return "it left no log"
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}
