// Package arch holds the shape of the project, as tests: which package may
// import which, who may use a library, who may open a connection to the
// outside, that every package introduces itself, that files stay readable and
// that what is linked is licensed well.
//
// It owns no code of the product. A new arrow between packages is a decision,
// made in the table of imports_test.go first. The tests read the sources of the
// whole module; they check themselves on small sources that break each rule.
package arch
