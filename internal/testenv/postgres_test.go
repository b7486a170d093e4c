package testenv_test

import (
	"testing"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

func exec(t *testing.T, url, statement string) {
	t.Helper()
	if err := servers.ExecPostgres(url, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	one, two := testenv.Postgres(t), testenv.Postgres(t)
	exec(t, one, "CREATE TABLE t (id int)")
	exec(t, two, "CREATE TABLE t (id int)") // would conflict in one database

	var dropped string
	t.Run("a test", func(t *testing.T) { dropped = testenv.Postgres(t) })
	if err := servers.ExecPostgres(dropped, "SELECT 1"); err == nil {
		t.Error("a database is there after its test")
	}
}

func TestOwnPostgresKeepsWhatWasCommitted(t *testing.T) {
	p := testenv.OwnPostgres(t)
	exec(t, p.URL, "CREATE TABLE t (id int PRIMARY KEY)")

	p.Stop()
	if err := servers.ExecPostgres(p.URL, "SELECT 1"); err == nil {
		t.Error("a stopped server answers")
	}
	p.Start()
	exec(t, p.URL, "INSERT INTO t VALUES (1)")

	p.Kill()
	p.Start()
	if err := servers.ExecPostgres(p.URL, "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("a committed row was lost with Kill")
	}
}
