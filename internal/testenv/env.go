package testenv

import (
	"os"
	"strings"
	"testing"
)

// A Service is a kind of server that tests need, as the command's table and
// ALLOW_MISSING name it.
type Service string

// The services.
const (
	ServiceRedis    Service = "redis"
	ServiceCluster  Service = "redis-cluster"
	ServiceSentinel Service = "redis-sentinel"
	ServicePostgres Service = "postgres"
	ServiceVault    Service = "vault"
)

// Variables by which the command tells tests where the servers are. The first
// six may also be set by hand before the command runs, to use servers that run
// elsewhere.
const (
	EnvRedis      = "WAYLEAVE_TEST_REDIS"          // redis:// URL
	EnvCluster    = "WAYLEAVE_TEST_REDIS_CLUSTER"  // host:port,host:port,…
	EnvSentinel   = "WAYLEAVE_TEST_REDIS_SENTINEL" // master=NAME;host:port,host:port,…
	EnvPostgres   = "WAYLEAVE_TEST_POSTGRES"       // postgres:// URL of a superuser
	EnvVault      = "WAYLEAVE_TEST_VAULT"          // http://host:port
	EnvVaultToken = "WAYLEAVE_TEST_VAULT_TOKEN"    // of root

	EnvDir             = "WAYLEAVE_TEST_DIR"              // folder for what servers keep, removed after the run
	EnvRedisProgram    = "WAYLEAVE_TEST_REDIS_PROGRAM"    // path of redis-server
	EnvPostgresProgram = "WAYLEAVE_TEST_POSTGRES_PROGRAM" // folder of initdb and postgres
	EnvVaultProgram    = "WAYLEAVE_TEST_VAULT_PROGRAM"    // path of vault, bao or vaultdev
	EnvMissing         = "WAYLEAVE_TEST_MISSING"          // service=reason, one per line, of those the command could not provide
)

// need returns the value of a variable that the command sets when the service
// is there, and otherwise ends the test: skipped where that is honest, failed
// where somebody counts on it.
func need(t testing.TB, service Service, variable string) string {
	t.Helper()
	if value := os.Getenv(variable); value != "" {
		return value
	}
	reason, announced := missing(service)
	switch {
	case os.Getenv("CI") == "true":
		t.Fatalf("no %s: %s", service, reason)
	case announced: // the command has said so and decides what it means
		t.Skipf("no %s: %s", service, reason)
	case os.Getenv("REAL") == "1":
		t.Fatalf("no %s: %s", service, reason)
	default:
		t.Skipf("no %s: %s", service, reason)
	}
	return ""
}

// missing returns why there is no such service, and whether the command said it.
func missing(service Service) (reason string, announced bool) {
	for line := range strings.Lines(os.Getenv(EnvMissing)) {
		if reason, ok := strings.CutPrefix(strings.TrimSpace(line), string(service)+"="); ok {
			return reason, true
		}
	}
	return "run the tests with `make test`, or under `go run ./internal/testenv/cmd -- go test …`", false
}

// folder returns the folder below which a test's own servers keep their data.
func folder(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(EnvDir); dir != "" {
		return dir
	}
	dir, err := os.MkdirTemp("", "wayleave-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// PostgreSQL may run as another user, who must reach what is below.
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
