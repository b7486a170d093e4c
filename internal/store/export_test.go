package store

import "testing"

// WriterPragma returns a setting of the connection that writes to a SQLite file.
func WriterPragma(t *testing.T, url, pragma string) string {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var value string
	if err := s.db.QueryRow("PRAGMA " + pragma).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// CountTenants counts the tenants.
func CountTenants(s *Store) (n int, err error) {
	err = s.readers.QueryRow("SELECT COUNT(*) FROM tenants").Scan(&n)
	return n, err
}

// Setting returns a setting of a transaction of PostgreSQL.
func Setting(s *Store, name string) (value string, err error) {
	err = s.db.QueryRow("SELECT current_setting($1)", name).Scan(&value)
	return value, err
}
