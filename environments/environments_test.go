package environments_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
)

func TestResolve(t *testing.T) {
	for name, tc := range map[string]struct {
		granted []environments.Name
		ask     environments.Name
		want    environments.Name
		err     error
	}{
		"the only one granted":         {granted: []environments.Name{"dev"}, want: "dev"},
		"granted and asked for":        {granted: []environments.Name{"dev", "prod"}, ask: "prod", want: "prod"},
		"several granted, none asked":  {granted: []environments.Name{"dev", "prod"}, err: fault.InvalidInput},
		"production is not granted":    {granted: []environments.Name{"dev"}, ask: "prod", err: fault.EnvironmentDenied},
		"does not exist":               {granted: []environments.Name{"dev"}, ask: "nowhere", err: fault.EnvironmentDenied},
		"nothing granted":              {err: fault.EnvironmentDenied},
		"nothing granted, one asked":   {ask: "dev", err: fault.EnvironmentDenied},
		"another spelling is no grant": {granted: []environments.Name{"prod"}, ask: "PROD", err: fault.EnvironmentDenied},
	} {
		if got, err := environments.Resolve(tc.granted, tc.ask); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: Resolve(%v, %q) = %q, %v; want %q, %v", name, tc.granted, tc.ask, got, err, tc.want, tc.err)
		}
	}
}

func TestResolveNeverLeavesTheGrant(t *testing.T) {
	name := rapid.SampledFrom([]environments.Name{"", "dev", "staging", "prod", "Prod", "other"})
	rapid.Check(t, func(t *rapid.T) {
		granted := rapid.SliceOf(name.Filter(func(n environments.Name) bool { return n != "" })).Draw(t, "granted")
		asked := name.Draw(t, "asked")
		got, err := environments.Resolve(granted, asked)
		if err != nil {
			return
		}
		if !slices.Contains(granted, got) || asked != "" && got != asked {
			t.Fatalf("Resolve(%v, %q) = %q", granted, asked, got)
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[environments.Name]bool{
		"dev": true, "eu-prod": true, "": false, "Prod": false, "1st": false, "a b": false, "../x": false,
		"abcdefghijklmnopqrstuvwxyzabcdefg": false,
	} {
		if name.Valid() != want {
			t.Errorf("Name(%q).Valid() = %v", name, !want)
		}
	}
}
