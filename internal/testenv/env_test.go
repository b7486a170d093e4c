package testenv_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/testenv"
)

// A probe is a test whose end is looked at instead of taking place.
type probe struct {
	testing.TB
	end string // "skip: …" or "fail: …"
}

func (p *probe) Helper() {}

func (p *probe) Skipf(format string, args ...any) {
	p.end = "skip: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (p *probe) Fatalf(format string, args ...any) {
	p.end = "fail: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestWithoutAServerATestIsSkippedOrFails(t *testing.T) {
	for name, tc := range map[string]struct {
		ci, real, missing string
		want              string // beginning of the end
	}{
		"a plain go test":              {want: "skip: no postgres: run the tests with `make test`"},
		"somebody counts on it":        {real: "1", want: "fail: no postgres: run"},
		"ci":                           {ci: "true", want: "fail: no postgres: run"},
		"the command has said so":      {real: "1", missing: "vault=x\npostgres=not installed\n", want: "skip: no postgres: not installed"},
		"ci accepts no such excuse":    {ci: "true", missing: "postgres=not installed\n", want: "fail: no postgres: not installed"},
		"another one is missing":       {real: "1", missing: "vault=x\n", want: "fail: no postgres: run"},
		"the name is not a mere start": {real: "1", missing: "postgres2=x\n", want: "fail: no postgres: run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(testenv.EnvPostgres, "")
			t.Setenv("CI", tc.ci)
			t.Setenv("REAL", tc.real)
			t.Setenv(testenv.EnvMissing, tc.missing)
			p, done := &probe{TB: t}, make(chan struct{})
			go func() {
				defer close(done)
				testenv.Postgres(p)
			}()
			<-done
			if !strings.HasPrefix(p.end, tc.want) {
				t.Errorf("the test ended with %q, want %q", p.end, tc.want)
			}
		})
	}
}
