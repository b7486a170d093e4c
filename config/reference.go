package config

import (
	"fmt"
	"strings"
)

// Reference returns the table of all settings as Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("| Key | Variable | Flag | Default | What it is |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range Keys() {
		flag, doc := "", k.Doc
		if k.Flag() != "" {
			flag = "`--" + k.Flag() + "`"
		}
		if len(k.OneOf) > 0 {
			doc += " One of: " + strings.Join(k.OneOf, ", ") + "."
		}
		if k.Secret && k.url {
			doc += " The flag is refused when the address holds a password."
		}
		fallback := ""
		if k.Default != "" {
			fallback = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", k.Path, k.Env(), flag, fallback, doc)
	}
	return b.String()
}
