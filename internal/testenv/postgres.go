package testenv

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// Postgres returns the postgres:// URL of an empty database made for this test
// and dropped after it, whoever is still connected.
func Postgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, need(t, ServicePostgres, EnvPostgres))
}

// newDatabase makes a database on the server at address.
func newDatabase(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is not a URL", EnvPostgres) // the error would show the password
	}
	name := "wl_" + unique()
	// template0 has no users, so databases can be made from it side by side.
	if err := servers.ExecPostgres(address, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("creating a database: %v", err)
	}
	t.Cleanup(func() {
		if err := servers.ExecPostgres(address, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// unique returns a name that no other test has, in lower-case letters and
// digits.
func unique() string { return strings.ToLower(rand.Text()[:16]) }
