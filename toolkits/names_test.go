package toolkits_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/toolkits"
)

func TestToolNames(t *testing.T) {
	for _, tc := range []struct{ toolkit, tool, want string }{
		{"notes", "list_notes", "notes_list_notes"},
		{"sales-crm", "find", "sales_crm_find"},
		{"abcdefghijklmnopqrstuvwxyzabcdef", "a_tool_whose_name_is_rather_long_1", "abcdefghijklmnopqrstuvwxyzabcdef_a_tool_whose_name_is_r_ypyilbij"},
	} {
		if got := toolkits.ToolName(tc.toolkit, tc.tool); got != tc.want {
			t.Errorf("ToolName(%q, %q) = %q, want %q", tc.toolkit, tc.tool, got, tc.want)
		}
	}
}

// Clients take 64 characters of a small alphabet, and an agent's memory of a
// name must hold: the same parts always give the same name, others another.
func TestToolNamesAreShortStableAndApart(t *testing.T) {
	valid := regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	slug, name := rapid.StringMatching(`[a-z][a-z0-9]{0,31}`), rapid.StringMatching(`[a-z][a-z0-9_]{0,47}`)
	rapid.Check(t, func(t *rapid.T) {
		toolkit, one, other := slug.Draw(t, "toolkit"), name.Draw(t, "one"), name.Draw(t, "other")
		got := toolkits.ToolName(toolkit, one)
		if !valid.MatchString(got) || got != toolkits.ToolName(toolkit, one) {
			t.Fatalf("ToolName(%q, %q) = %q", toolkit, one, got)
		}
		if one != other && got == toolkits.ToolName(toolkit, other) {
			t.Fatalf("%q and %q of %q are both %q", one, other, toolkit, got)
		}
	})
}
