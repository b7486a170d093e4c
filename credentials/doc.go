// Package credentials owns secrets: how they are sealed at rest, and how they
// are put on a request. Nothing else in Wayleave ever sees one.
//
// A [Secret] is unsealed material in memory. It prints as [redacted], refuses to
// be marshalled, and only this package can read it. A [Sealed] is the same at
// rest: AES-256-GCM under a data key of its own, the data key wrapped by a
// [Sealer] (Vault Transit or a local key ring). What is sealed names the app,
// the scheme and the hosts it was made for, so that a row moved, copied back or
// edited does not open, and what opens is sent nowhere else.
//
// An [AuthConfig] is how an app is authenticated to in one environment; many
// connections may share one. A [Scheme] says how its secrets are applied: one
// file per scheme. The [Broker] brings these together: it opens a sealed
// credential with its data key, from a bounded cache or unwrapped by the
// Sealer, and returns an [Authorizer] that applies it, refuses hosts it was not
// made for, and takes its secrets out of the answer again.
//
// Two failures are told apart throughout. fault.SealerUnavailable is about the
// Sealer and heals; [ErrNotOurs] is about one credential and does not.
//
// credentialstest says what every Sealer must do, and runs it on each.
package credentials
