package localkey_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/credentialstest"
	"github.com/wayleave/wayleave/credentials/localkey"
)

func TestSealer(t *testing.T) {
	credentialstest.TestSealer(t, func(t *testing.T) credentialstest.Harness {
		path := filepath.Join(t.TempDir(), "keys.json")
		ring, err := localkey.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		return credentialstest.Harness{
			Sealer: ring,
			Second: func(t *testing.T) credentials.Sealer { return mustOpen(t, path) },
			Env:    "dev",
			Other:  "prod",
			Rotate: func(t *testing.T) credentials.Sealer {
				if _, err := localkey.Rotate(path); err != nil {
					t.Fatal(err)
				}
				return mustOpen(t, path)
			},
			Patience: 10 * time.Second,
			// A file that was read is neither away nor late, and asks for no token.
			Lacks: []credentialstest.Ability{
				credentialstest.Minimum, credentialstest.Outage, credentialstest.Sealing,
				credentialstest.Slowness, credentialstest.Tokens, credentialstest.Policies,
			},
		}
	})
}

// needed returns a Needed for the given ids.
func needed(ids ...string) localkey.Needed {
	return func(context.Context) ([]string, error) { return ids, nil }
}

func mustOpen(t *testing.T, path string) *localkey.Ring {
	t.Helper()
	ring, err := localkey.Open(t.Context(), path, needed())
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
