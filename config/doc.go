// Package config holds the settings of a Wayleave process: what they are, where
// they come from and what they may be.
//
// [Config] is the one list of settings: its fields' tags give key, default and
// description, and everything else (the keys of the file, the WAYLEAVE_…
// variables, the flags, the reference in docs/configuration.md) follows from
// it. [Load] reads the file, then the environment, then the flags, each over
// the one before, and reports every problem at once by file and line, variable
// or flag.
//
// It is a leaf: it imports nothing of Wayleave and is read once, by cmd. It
// never prints a secret, opens a connection or creates a file. Checks that need
// another package's knowledge, such as the form of an egress rule, are given to
// Load as functions.
package config
