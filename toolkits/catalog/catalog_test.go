package catalog_test

import (
	"testing"

	"github.com/wayleave/wayleave/toolkits/catalog"
)

func TestApps(t *testing.T) {
	all, err := catalog.Apps()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no apps")
	}
}
