package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// started is a run of this program that has reached its command.
type started struct {
	cmd    *exec.Cmd
	folder string // of what the servers keep
	redis  string // address of a server that the run started
	child  string // process id of a grandchild that would sleep on
}

// startRun builds this program and runs it with a Redis and a command that
// leaves a child behind and then sleeps.
func startRun(t *testing.T) started {
	t.Helper()
	testenv.Redis(t) // only where there is one
	program := filepath.Join(t.TempDir(), "testenv")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v: %s", err, out)
	}
	script := `sleep 300 & echo "READY $` + testenv.EnvDir + ` $` + testenv.EnvRedis + ` $!"; sleep 300`
	cmd := exec.Command(program, "-only", "redis", "--", "sh", "-c", script)
	cmd.Env = append(os.Environ(), testenv.EnvRedis+"=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 4 && words[0] == "READY" {
			return started{cmd: cmd, folder: words[1], redis: words[2], child: words[3]}
		}
	}
	t.Fatal("the command was not run")
	return started{}
}

// gone reports what is still there of the run.
func (s started) gone() error {
	if _, err := os.Stat(s.folder); err == nil {
		return errors.New("its folder is there")
	}
	if c, err := servers.DialRedis(s.redis); err == nil {
		c.Close()
		return errors.New("its server is still running")
	}
	if s.childRuns() {
		return errors.New("a child of its command is still running")
	}
	return nil
}

// childRuns reports whether the grandchild is there. A zombie is not: it has no
// command line.
func (s started) childRuns() bool {
	line, err := os.ReadFile("/proc/" + s.child + "/cmdline")
	return err == nil && len(line) > 0
}

func TestNothingIsLeftBehind(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("no /proc to look for processes in")
	}
	for name, signal := range map[string]syscall.Signal{
		"interrupted": syscall.SIGINT, "terminated": syscall.SIGTERM, "killed": syscall.SIGKILL,
	} {
		t.Run(name, func(t *testing.T) {
			s := startRun(t)
			if _, err := servers.AskRedis(s.redis, "PING"); err != nil {
				t.Fatal(err)
			}
			for !s.childRuns() { // until it is past its exec
				time.Sleep(time.Millisecond)
			}
			if err := s.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			var err error
			for range 1200 {
				if err = s.gone(); err == nil {
					return
				}
				time.Sleep(25 * time.Millisecond)
			}
			t.Error(err)
		})
	}
}

func TestGuardEndsOnlyWhatItWasNotToldToForget(t *testing.T) {
	sleeper := func() *exec.Cmd {
		cmd := exec.Command("sleep", "300")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	foreign := t.TempDir() // not one of ours by its name
	ended, kept := sleeper(), sleeper()
	var script strings.Builder
	g := &guardClient{pipe: builder{&script}}
	g.tell("folder " + foreign)
	g.watch(ended.Process.Pid)
	g.watch(kept.Process.Pid)
	g.forget(kept.Process.Pid)
	g.watchGroup(1) // everything there is, to kill(2)

	guard(strings.NewReader(script.String()))
	if err := ended.Wait(); err == nil {
		t.Error("the process that was watched ended by itself")
	}
	if err := kept.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process to forget: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a folder of somebody else: %v", err)
	}
}

// A builder is a pipe that keeps what is written.
type builder struct{ *strings.Builder }

func (builder) Close() error { return nil }

func TestUnaccepted(t *testing.T) {
	e := &environment{rows: []row{{service: "redis"}, {service: "vault", missing: "x"}, {service: "postgres", missing: "y"}}}
	for _, tc := range []struct {
		allowed string
		ci      bool
		want    []string
	}{
		{"", false, []string{"vault", "postgres"}},
		{"vault", false, []string{"postgres"}},
		{"vault,postgres", false, nil},
		{"vault,postgres", true, []string{"vault", "postgres"}},
	} {
		if got := e.unaccepted(tc.allowed, tc.ci); !slices.Equal(got, tc.want) {
			t.Errorf("unaccepted(%q, ci %v) = %v, want %v", tc.allowed, tc.ci, got, tc.want)
		}
	}
}
