// Package template is the small {{ }} language of app definitions: text with
// named values in it, parsed once and encoded by the position it stands in.
//
//	/repos/{{input.owner}}/{{input.repo}}/issues      one path segment per value
//	/files/{{input.path...}}                          several, each encoded
//	Bearer {{secret.token}}                           a header value
//	{{$.user.name}} in {{$.team}}                     parts of an answer
//
// There are no conditions, loops or functions: what a definition may do can be
// read off its text, and [Parse] asks its caller about every name. "{{{{"
// stands for a literal "{{"; "}}" outside a placeholder is literal as it is.
//
// [Template.Render] is the only way out, and every [Position] has its own rule,
// so a value can never become a second path segment, another header, another
// host or a further query parameter. An error names the placeholder and the
// rule, never the value, which may be a secret. The rules are tested here by
// property and fuzz tests.
package template
