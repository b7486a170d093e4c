package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The guard is a second process of this program that outlives the first, should
// that be killed. It is told which processes there are over a pipe. When the
// pipe ends, it ends what is left and removes the temporary folder.
const (
	guardArgument = "guard"
	folderPrefix  = "wayleave-test-"
	guardPatience = 3 * time.Second
)

// A guardClient tells the guard what to look after.
type guardClient struct {
	mu   sync.Mutex
	pipe io.WriteCloser
	cmd  *exec.Cmd
}

func startGuard(dir string) (*guardClient, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, guardArgument)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is not for it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g := &guardClient{pipe: pipe, cmd: cmd}
	g.tell("folder " + dir)
	return g, nil
}

func (g *guardClient) tell(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = io.WriteString(g.pipe, line+"\n")
}

func (g *guardClient) watch(pid int)       { g.tell("watch " + strconv.Itoa(pid)) }
func (g *guardClient) forget(pid int)      { g.tell("forget " + strconv.Itoa(pid)) }
func (g *guardClient) watchGroup(pid int)  { g.watch(-pid) }
func (g *guardClient) forgetGroup(pid int) { g.forget(-pid) }

// dismiss ends the guard, which cleans up what it was not told to forget.
func (g *guardClient) dismiss() {
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}

// guard reads what to look after until the other end is gone, then cleans up. A
// negative id is that of a process group, as kill(2) takes it.
func guard(in io.Reader) {
	watched, folder := map[int]bool{}, ""
	for lines := bufio.NewScanner(in); lines.Scan(); {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		pid, _ := strconv.Atoi(rest)
		switch {
		case verb == "folder":
			folder = rest
		case pid == 0 || pid == 1 || pid == -1: // never everything
		case verb == "watch":
			watched[pid] = true
		case verb == "forget":
			delete(watched, pid)
		}
	}
	end(watched)
	if strings.HasPrefix(filepath.Base(folder), folderPrefix) {
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintln(os.Stderr, "testenv: removing the temporary folder:", err)
		}
	}
}

// end asks processes to end, waits a little, and insists.
func end(watched map[int]bool) {
	deadline := time.Now().Add(guardPatience)
	for pid := range watched {
		_ = syscall.Kill(pid, syscall.SIGCONT)
		_ = syscall.Kill(pid, syscall.SIGINT)
	}
	for pid := range watched {
		for syscall.Kill(pid, 0) == nil && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
