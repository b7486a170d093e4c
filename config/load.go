package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Sources is where settings are read from.
type Sources struct {
	File  string            // path of the file; empty means WAYLEAVE_CONFIG, then DefaultFile if it is there
	Env   []string          // as os.Environ
	Flags map[string]string // by key, such as "log.level", only those that were given
	// Checks hold what other packages know of a key's values; each entry of a
	// list is checked by itself.
	Checks map[string]func(value string) error
}

// An Origin is where a setting came from.
type Origin struct {
	Layer string // default, file, env or flag
	Where string // such as "config.yaml:3", "WAYLEAVE_LISTEN" or "--listen"
}

// An Error is everything that is wrong with the settings.
type Error struct{ Problems []Problem }

// A Problem is one thing that is wrong with a setting.
type Problem struct {
	Where   string // file:line, variable or flag
	Key     string // the setting, if one is concerned
	Message string // what is wrong and what would be right; holds no secret
}

// Error lists the problems, one in a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// String returns where, which and what.
func (p Problem) String() string {
	parts := []string{p.Where, p.Key, p.Message}
	if p.Key == "" {
		parts = []string{p.Where, p.Message}
	}
	if p.Where == "" {
		parts = parts[1:]
	}
	return strings.Join(parts, ": ")
}

const (
	envPrefix  = "WAYLEAVE_"
	fileVar    = "WAYLEAVE_CONFIG"
	testPrefix = "WAYLEAVE_TEST_"
)

// Variables that are not settings of the server: what the client verbs read,
// and where the file is.
var otherVars = []string{fileVar, "WAYLEAVE_URL", "WAYLEAVE_KEY", "WAYLEAVE_KEY_FILE"}

// Load reads the settings: file, then variables, then flags, each over the one
// before. It returns an *Error with every problem found.
func Load(s Sources) (*Config, error) {
	l := &loader{sources: s, keys: map[string]Key{}, given: map[string]given{}, env: envMap(s.Env)}
	for _, k := range Keys() {
		l.keys[k.Path] = k
	}
	l.readFile()
	l.readEnv()
	l.readFlags()
	l.readSecretFiles()
	c := l.fill()
	l.complete(c)
	l.validate(c)
	l.protectFile()
	if len(l.problems) > 0 {
		return nil, &Error{l.problems}
	}
	l.warn(c)
	return c, nil
}

// given is a value as one source gives it.
type given struct {
	text   string
	list   []string // of a list, when isList
	isList bool
	origin Origin
}

// loader is the state of one Load.
type loader struct {
	sources  Sources
	env      map[string]string
	keys     map[string]Key
	given    map[string]given
	problems []Problem
	warnings []string
	filePath string
	fileMode os.FileMode
}

func (l *loader) problem(where, key, format string, args ...any) {
	l.problems = append(l.problems, Problem{where, key, fmt.Sprintf(format, args...)})
}

// at reports a problem with a setting where it was given.
func (l *loader) at(key, format string, args ...any) {
	l.problem(l.given[key].origin.Where, key, format, args...)
}

func (l *loader) warning(format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

// set takes a value of one source over those of earlier ones. A secret and the
// file it is read from are one setting: the later source wins, and one source
// must not give both.
func (l *loader) set(path string, g given) {
	other := strings.TrimSuffix(path, "_file")
	if other == path {
		other = path + "_file"
	}
	if was, ok := l.given[other]; ok && l.isPair(path, other) {
		if was.origin.Layer == g.origin.Layer {
			l.problem(g.origin.Where, path, "is given together with %s; give one of them", other)
			return
		}
		delete(l.given, other)
	}
	l.given[path] = g
}

func (l *loader) isPair(a, b string) bool { return l.keys[a].FileOf == b || l.keys[b].FileOf == a }

func envMap(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			m[name] = value
		}
	}
	return m
}

// DefaultFile returns where the file is looked for when none is named: in the
// user's configuration directory. It is empty when there is no such directory.
func DefaultFile(environ []string) string {
	return userDir(envMap(environ), "XDG_CONFIG_HOME", ".config", "config.yaml")
}

// userDir returns wayleave/<rest> below one of the user's directories.
func userDir(env map[string]string, variable, below string, rest ...string) string {
	base := env[variable]
	if !filepath.IsAbs(base) { // the XDG specification has relative ones ignored
		if env["HOME"] == "" {
			return ""
		}
		base = filepath.Join(env["HOME"], below)
	}
	return filepath.Join(append([]string{base, "wayleave"}, rest...)...)
}
