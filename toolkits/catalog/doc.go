// Package catalog is the gallery: the app definitions that come with Wayleave,
// one YAML file each, embedded in the binary.
//
// It owns no behaviour: package apps says what a definition is and checks it.
// What agents see of each app is held by the goldens in testdata.
package catalog
