package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// column is one column of a table: its title and where its value is in the
// JSON of a row, with dots between the members.
type column struct{ title, path string }

// printList prints rows as the server sent them: as JSON, or the columns of a
// table. empty is said instead of a table without rows.
func (c *cli) printList(rows []json.RawMessage, empty string, columns ...column) error {
	if c.output == "json" {
		return c.printJSON(map[string]any{"items": rows})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(c.out, empty)
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 3, ' ', 0)
	titles := make([]string, len(columns))
	for i, col := range columns {
		titles[i] = col.title
	}
	_, _ = fmt.Fprintln(w, strings.Join(titles, "\t")) // tabwriter fails at Flush
	for _, raw := range rows {
		row := decode(raw)
		cells := make([]string, len(columns))
		for i, col := range columns {
			cells[i] = cell(find(row, col.path))
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// printOne prints one resource: as JSON, or a line for each column.
func (c *cli) printOne(raw json.RawMessage, columns ...column) error {
	if c.output == "json" {
		return c.printRaw(raw)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 3, ' ', 0)
	row := decode(raw)
	for _, col := range columns {
		if text := cell(find(row, col.path)); text != "-" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", col.title, text)
		}
	}
	return w.Flush()
}

// printRaw prints JSON indented.
func (c *cli) printRaw(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := c.out.Write(b.Bytes())
	return err
}

func (c *cli) printJSON(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.printRaw(raw)
}

// say prints a line for a person; under -o json there is only JSON.
func (c *cli) say(format string, args ...any) {
	if c.output != "json" {
		_, _ = fmt.Fprintf(c.out, "%s\n", printable(fmt.Sprintf(format, args...)))
	}
}

func decode(raw json.RawMessage) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// find returns the value at a dotted path, or nil.
func find(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// cell renders a value for a table.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		return text(v)
	case []any:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = cell(part)
		}
		if len(parts) == 0 {
			return "-"
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		return members(v)
	}
	return printable(fmt.Sprint(v))
}

// text renders a string: a time to the second, nothing as a dash.
func text(s string) string {
	at, err := time.Parse(time.RFC3339Nano, s)
	switch {
	case s == "" || (err == nil && at.IsZero()):
		return "-"
	case err == nil:
		return at.UTC().Format(time.RFC3339)
	}
	return printable(s)
}

// members renders an object in one line: a binding as environment=connection,
// anything else as its members.
func members(m map[string]any) string {
	if env, id := m["environment"], m["connection"]; env != nil && id != nil {
		if label := cell(m["label"]); label != "-" {
			return fmt.Sprintf("%s=%s (%s)", cell(env), cell(id), label)
		}
		return cell(env) + "=" + cell(id)
	}
	parts := []string{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, printable(name)+": "+cell(m[name]))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, "; ")
}

// printable replaces what would steer a terminal: names and messages come from
// apps and from other people.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, text)
}
