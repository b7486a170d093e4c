package toolkits

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
)

// maxToolName is the longest name that every known MCP client takes.
const maxToolName = 64

var nameHash = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ToolName returns the name of a toolkit's tool as callers see it:
// "<toolkit>_<tool>", with the toolkit's dashes as underscores. A longer name is
// cut and ends in a hash of the whole, so it is the same in every environment
// and after every restart.
func ToolName(toolkit, tool string) string {
	name := strings.ReplaceAll(toolkit, "-", "_") + "_" + tool
	if len(name) <= maxToolName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := nameHash.EncodeToString(sum[:5])
	return name[:maxToolName-len(hash)-1] + "_" + hash
}

var slugPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// checkSlug returns an InvalidInput fault unless slug can name a toolkit.
func checkSlug(slug string) error {
	if len(slug) > 32 || !slugPattern.MatchString(slug) {
		return fault.New(fault.InvalidInput, "%q cannot be the slug of a toolkit", slug).
			WithFix("Use at most 32 lower-case letters, digits and single dashes, beginning with a letter.")
	}
	return nil
}
