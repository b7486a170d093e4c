// Package transit is the Sealer of installations that run HashiCorp Vault: data
// keys are made and wrapped by its Transit engine, and the wrapping keys never
// leave it.
//
// Each environment has a key of its own (wl-dev, wl-staging, wl-prod), derived
// with a context that is the Binding: Vault itself refuses a data key that was
// moved to another tenant, environment or record. Associated data would not do,
// for datakey ignores it and rewrap cannot carry it.
//
// A [Sealer] is patient where that heals and loud where it does not. A Vault
// that is away or sealed is fault.SealerUnavailable at once, by a circuit
// breaker, until it is back; a wrong role, a key that is missing or not derived,
// a namespace that the server would silently ignore refuse to start, with the
// command that mends them. A token is renewed while it lives and got anew when
// it ends or was revoked.
//
// Nothing is read from VAULT_… variables of the environment: a stray
// VAULT_SKIP_VERIFY would end the protection of the connection. What a Sealer
// must do is tested by credentialstest, which runs here on a real Vault.
package transit
