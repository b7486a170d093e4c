// Package localkey is the Sealer that needs nothing installed: data keys are
// wrapped by a key ring in a file that only its owner can read, or in a
// credential handed to the process.
//
// A [Ring] holds one or more wrapping keys, the newest last. Every key is known
// by an id that is derived from it, so a wrong key is recognised before anything
// is opened with it, and [Open] refuses to start when the ring lacks a key that
// stored credentials need. Rotating adds a key; the older ones stay until
// everything is rewrapped.
//
// The package never makes a ring on its own: [Create] is asked for, and never
// overwrites. What a Sealer must do is tested by credentialstest, which runs
// here.
package localkey
