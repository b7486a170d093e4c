package credentialstest

import (
	"slices"
	"testing"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
)

// An Ability is something that can be done to a Sealer, or to what is behind it.
type Ability string

// The abilities that the suite makes use of.
const (
	Rotation Ability = "rotate the wrapping key"
	Minimum  Ability = "refuse old versions of the wrapping key"
	Outage   Ability = "be stopped and started"
	Sealing  Ability = "be sealed and unsealed"
	Slowness Ability = "answer late"
	Tokens   Ability = "have its token revoked"
	Policies Ability = "be denied by policy"
)

// A Harness is one Sealer, set up for one test, and what can be done to it. A
// func that is nil must be declared in Lacks.
type Harness struct {
	Sealer credentials.Sealer
	// Second returns another Sealer over the same wrapping keys, as another
	// replica has.
	Second func(t *testing.T) credentials.Sealer
	// Env and Other are environments that the Sealer has keys for.
	Env, Other environments.Name

	Rotate     func(t *testing.T) credentials.Sealer // returns the Sealer to go on with
	SetMinimum func(t *testing.T, version int)       // the oldest version that is still opened
	Stop       func(t *testing.T)
	Start      func(t *testing.T)
	Seal       func(t *testing.T)
	Unseal     func(t *testing.T)
	Delay      func(d time.Duration) // of every answer from now on; 0 ends it
	Revoke     func(t *testing.T)    // the token in use
	Deny       func(t *testing.T)    // everything, by policy
	Allow      func(t *testing.T)    // again

	// Patience bounds how long the Sealer may take to notice that it cannot do
	// its work; it is far above what it takes.
	Patience time.Duration
	Lacks    []Ability
}

// has reports whether the harness has an ability, and fails the test unless it
// is either there or declared missing.
func (h *Harness) has(t *testing.T, a Ability, there bool) bool {
	t.Helper()
	declared := slices.Contains(h.Lacks, a)
	switch {
	case there && declared:
		t.Fatalf("the harness declares that it cannot %s, and can", a)
	case !there && !declared:
		t.Fatalf("the harness does not say whether it can %s", a)
	}
	if declared {
		t.Logf("declared: this Sealer cannot %s", a)
	}
	return there
}

// TestSealer runs the suite. open is called for each test and returns a Harness
// that no other test uses.
func TestSealer(t *testing.T, open func(t *testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *Harness)
	}{
		{"round trip", testRoundTrip},
		{"two keys differ", testTwoKeys},
		{"second sealer", testSecond},
		{"tampering", testTampering},
		{"moved", testMoved},
		{"foreign", testForeign},
		{"rewrap", testRewrap},
		{"check", testCheck},
		{"context cancelled", testCancelled},
		{"concurrent", testConcurrent},
		{"errors hold no key", testErrors},
		{"envelope", testEnvelope},
		{"rotation", testRotation},
		{"minimum version", testMinimum},
		{"outage", testOutage},
		{"sealed", testSealed},
		{"slow", testSlow},
		{"token revoked", testRevoked},
		{"denied", testDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := open(t)
			test.run(t, &h)
		})
	}
}
