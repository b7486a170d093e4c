package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/wayleave/wayleave/toolkits/apps"
)

//go:embed *.yaml
var files embed.FS

// Apps returns the definitions, sorted by slug. They are parsed anew at each
// call; the error is a defect of this package.
func Apps() ([]*apps.App, error) {
	names, err := fs.Glob(files, "*.yaml") // sorted
	if err != nil {
		return nil, err
	}
	var all []*apps.App
	for _, name := range names {
		src, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		app, err := apps.Parse(name, src)
		if err != nil {
			return nil, fmt.Errorf("catalog: %w", err)
		}
		if app.Slug != strings.TrimSuffix(path.Base(name), ".yaml") {
			return nil, fmt.Errorf("catalog: %s declares the slug %q", name, app.Slug)
		}
		all = append(all, app)
	}
	return all, nil
}
