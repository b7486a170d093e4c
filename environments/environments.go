package environments

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
)

// A Name is the name of an environment, such as "prod".
type Name string

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Valid reports whether n can name an environment: lower-case letters, digits
// and dashes, beginning with a letter, at most 32 characters.
func (n Name) Valid() bool { return namePattern.MatchString(string(n)) }

// Default returns the environments of an installation that names none.
func Default() Set { return Set{"dev", "staging", "prod"} }

// A Set is the environments of an installation, in the order of promotion.
type Set []Name

// Contains reports whether n is one of the environments.
func (s Set) Contains(n Name) bool { return slices.Contains(s, n) }

// Check returns an InvalidInput fault naming the known environments unless n is
// one of them.
func (s Set) Check(n Name) error {
	if s.Contains(n) {
		return nil
	}
	return fault.New(fault.InvalidInput, "there is no environment %q", string(n)).
		WithFix("Use one of: %s.", s)
}

// String lists the names, separated by commas.
func (s Set) String() string {
	names := make([]string, len(s))
	for i, n := range s {
		names[i] = string(n)
	}
	return strings.Join(names, ", ")
}

// Resolve decides which environment a call runs in: the one asked for if it is
// granted, or the only one granted if none is asked for.
//
// Asking for an environment that is not granted is EnvironmentDenied, whether
// or not it exists; asking for none with several granted is InvalidInput.
func Resolve(granted []Name, asked Name) (Name, error) {
	switch {
	case asked != "" && slices.Contains(granted, asked):
		return asked, nil
	case asked != "":
		return "", fault.New(fault.EnvironmentDenied, "this key does not grant the environment %q", string(asked)).
			WithFix("This key grants: %s.", orNone(granted))
	case len(granted) == 1:
		return granted[0], nil
	case len(granted) == 0:
		return "", fault.New(fault.EnvironmentDenied, "this key grants no environment")
	}
	return "", fault.New(fault.InvalidInput, "this key grants several environments, so the call must name one").
		WithFix("Name one of: %s. Over MCP use the path /mcp/{environment}.", Set(granted))
}

func orNone(granted []Name) string {
	if len(granted) == 0 {
		return "none"
	}
	return Set(granted).String()
}
