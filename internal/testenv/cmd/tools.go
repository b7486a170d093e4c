package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
)

// A tool is a small program that tests run, and the package that has it.
type tool struct{ program, debian, brew string }

// tools returns what tests run beside the servers: curl for the commands of the
// documentation, ip for networks that no packet can leave.
func tools() []tool {
	all := []tool{{"curl", "curl", "curl"}}
	if runtime.GOOS == "linux" {
		all = append(all, tool{"ip", "iproute2", ""})
	}
	return all
}

// provideTools installs the tools that are not there. What cannot be had is said
// here, and by the tests that needed it.
func provideTools(ctx context.Context) {
	for _, t := range tools() {
		if _, err := exec.LookPath(t.program); err == nil {
			continue
		}
		if _, err := install(ctx, t.debian, t.brew); err != nil {
			fmt.Printf("%s: %s\n", t.program, oneLine(err))
		}
	}
}
