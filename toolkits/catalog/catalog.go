// Package catalog is the gallery: the app definitions that come with Wayleave.
package catalog

import "github.com/wayleave/wayleave/toolkits/apps"

// Apps returns the definitions, sorted by slug.
func Apps() ([]*apps.App, error) { return nil, nil }
