package config

import (
	"reflect"
	"strings"
	"time"
)

// A Key is one setting as it can be given.
type Key struct {
	Path    string // in the file, such as "vault.token"
	Kind    string // string, list, duration, bytes, integer, secret or file
	Default string
	OneOf   []string
	Doc     string
	Secret  bool   // the value is not shown, and has no flag unless it is an address
	FileOf  string // for kind file: the secret that is read from it

	url   bool  // a secret that is an address, which may hold a password
	check bool  // a check of another package applies
	index []int // of the field in Config; nil for kind file
}

// Env returns the variable that gives the setting.
func (k Key) Env() string { return envName(k.Path) }

// Flag returns the name of the flag that gives the setting, without dashes;
// empty if there is none.
func (k Key) Flag() string {
	if k.Secret && !k.url {
		return ""
	}
	return flagName(k.Path)
}

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func flagName(path string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(path)
}

// Keys returns every setting in the order of Config.
func Keys() []Key { return keysOf(reflect.TypeFor[Config](), "", nil) }

func keysOf(t reflect.Type, prefix string, at []int) []Key {
	var keys []Key
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := f.Tag.Lookup("key")
		if !ok {
			continue
		}
		path, index := prefix+name, append(append([]int{}, at...), i)
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Secret]() {
			keys = append(keys, keysOf(f.Type, path+".", index)...)
			continue
		}
		k := Key{Path: path, Kind: kindOf(f.Type), Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"), index: index,
			Secret: f.Tag.Get("secret") != "", url: f.Tag.Get("secret") == "url", check: f.Tag.Get("check") != ""}
		if one := f.Tag.Get("oneof"); one != "" {
			k.OneOf = strings.Split(one, ",")
		}
		keys = append(keys, k)
		if k.Secret {
			keys = append(keys, Key{Path: path + "_file", Kind: "file", FileOf: path,
				Doc: "File to read " + path + " from; one newline at its end is left out."})
		}
	}
	return keys
}

func kindOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Bytes]():
		return "bytes"
	case reflect.TypeFor[[]string]():
		return "list"
	case reflect.TypeFor[int]():
		return "integer"
	}
	return "string"
}

// nearest returns what known name was probably meant by name, or nothing.
func nearest(name string, known []string) string {
	best, at := "", 3 // more than two slips is another word
	for _, k := range known {
		if d := distance(name, k); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is the number of single letters to change, add or leave out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
