package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fill returns a Config of what was given and of defaults for the rest.
func (l *loader) fill() *Config {
	c := &Config{origins: map[string]Origin{}, files: map[string]string{}}
	root := reflect.ValueOf(c).Elem()
	for _, k := range Keys() {
		if k.Kind == "file" {
			if g, ok := l.given[k.Path]; ok {
				c.files[k.FileOf] = g.text
			}
			continue
		}
		g, ok := l.given[k.Path]
		if !ok {
			g = l.fromText(k.Path, k.Default, Origin{Layer: "default"})
			if g.text == "" && len(g.list) == 0 {
				c.origins[k.Path] = g.origin
				continue
			}
		}
		c.origins[k.Path] = g.origin
		l.assign(root.FieldByIndex(k.index), k, g)
	}
	return c
}

// assign puts a value into its field, or reports why it does not fit.
func (l *loader) assign(field reflect.Value, k Key, g given) {
	if len(k.OneOf) > 0 && !slices.Contains(k.OneOf, g.text) {
		l.at(k.Path, "must be one of: %s", strings.Join(k.OneOf, ", "))
		return
	}
	var value any
	var err error
	switch k.Kind {
	case "list":
		value = g.list
	case "secret":
		value = Secret{g.text}
	case "duration":
		var d time.Duration
		d, err = parseDuration(g.text)
		value = d
	case "bytes":
		value, err = parseBytes(g.text)
	case "integer":
		value, err = strconv.Atoi(g.text)
		if err != nil {
			l.at(k.Path, "must be a whole number")
			return
		}
	default:
		value = g.text
	}
	if err != nil {
		l.at(k.Path, "%v", err)
		return
	}
	field.Set(reflect.ValueOf(value))
}

// complete fills in the defaults that depend on other settings.
func (l *loader) complete(c *Config) {
	if c.DataDir == "" {
		c.DataDir = userDir(l.env, "XDG_DATA_HOME", filepath.Join(".local", "share"))
	}
	if c.DataDir == "" {
		l.problem("", "data_dir", "is not given, and there is no home directory to put it in")
		return
	}
	if abs, err := filepath.Abs(c.DataDir); err == nil {
		c.DataDir = abs
	}
	if c.Store.URL.IsZero() {
		c.Store.URL = Secret{"sqlite:" + filepath.Join(c.DataDir, "wayleave.db")}
	}
	if c.LocalKey.File == "" {
		c.LocalKey.File = filepath.Join(c.DataDir, "local.key")
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
}

// A Value is a setting as it is now, for people.
type Value struct {
	Key    string
	Text   string // without what is secret
	Origin Origin
}

// Values returns every setting, as it is and where it came from.
func (c *Config) Values() []Value {
	var values []Value
	root := reflect.ValueOf(c).Elem()
	for _, k := range Keys() {
		if k.Kind != "file" {
			values = append(values, Value{k.Path, shown(k, root.FieldByIndex(k.index)), c.origins[k.Path]})
		}
	}
	return values
}

func shown(k Key, field reflect.Value) string {
	switch v := field.Interface().(type) {
	case Secret:
		if k.url && !v.IsZero() {
			return shownURL(v.text)
		}
		return v.String()
	case []string:
		return strings.Join(v, ",")
	case time.Duration:
		return v.String()
	case Bytes:
		return v.String()
	case int:
		return strconv.Itoa(v)
	default:
		return field.String()
	}
}
