package template

// A Lookup gives the value that a template names, such as ("input", "owner").
// ok is false when there is none.
type Lookup func(root, name string) (value any, ok bool)

// A Template is a parsed text with placeholders. To be replaced.
type Template struct{ src string }
