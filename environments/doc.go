// Package environments knows the environments of an installation (dev, staging
// and prod unless configured) and decides which one a call runs in.
//
// The decision has one rule: a call runs in an environment that its caller was
// granted, or not at all. There is no default and no fallback; in particular
// nothing ever falls back to production.
package environments
