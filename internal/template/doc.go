// Package template is the small {{ }} language of app definitions: text with
// named values in it, parsed once and encoded by the position it stands in.
package template
