package config

import (
	"maps"
	"slices"
	"strings"
)

const maxSecretFile = 64 << 10 // bytes

// readEnv takes the settings of the environment. An empty variable counts as
// not set, as composed deployments pass on variables that nobody filled in.
func (l *loader) readEnv() {
	byName := map[string]string{}
	var names []string
	for path := range l.keys {
		byName[envName(path)] = path
		names = append(names, envName(path))
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, testPrefix) || slices.Contains(otherVars, name) {
			continue
		}
		path, known := byName[name]
		if !known {
			l.problem(name, "", "unknown variable%s", suggestVar(name, names))
			continue
		}
		if l.env[name] != "" {
			l.set(path, l.fromText(path, l.env[name], Origin{"env", name}))
		}
	}
}

func suggestVar(name string, known []string) string {
	slices.Sort(known)
	if near := nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return "; `wayleave config keys` lists all"
}

// readFlags takes the settings given as flags.
func (l *loader) readFlags() {
	for _, path := range slices.Sorted(maps.Keys(l.sources.Flags)) {
		k, known := l.keys[path]
		flag := "--" + flagName(path)
		text := l.sources.Flags[path]
		switch {
		case !known:
			l.problem(flag, "", "unknown flag")
		case k.Flag() == "":
			l.problem(flag, path, "a secret is not given as a flag; use %s-file", flag)
		case k.Secret && holdsPassword(text):
			l.problem(flag, path, "holds a password, which every process can read from the command line; use %s-file", flag)
		default:
			l.set(path, l.fromText(path, text, Origin{"flag", flag}))
		}
	}
}

func (l *loader) fromText(path, text string, o Origin) given {
	if l.keys[path].Kind == "list" {
		return given{list: splitList(text), isList: true, origin: o}
	}
	return given{text: text, origin: o}
}

// readSecretFiles replaces the name of each secret's file by what is in it.
func (l *loader) readSecretFiles() {
	for _, k := range Keys() {
		g, ok := l.given[k.Path]
		if k.Kind != "file" || !ok {
			continue
		}
		src, mode, err := readRegular(g.text, maxSecretFile)
		if err != nil {
			l.at(k.Path, "%s cannot be read: %v", g.text, plain(err))
			continue
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(src), "\n"), "\r")
		if strings.TrimSpace(text) == "" {
			l.at(k.Path, "%s is empty", g.text)
			continue
		}
		if mode.Perm()&0o007 != 0 {
			l.warning("%s (%s) can be read by every user of this machine: chmod 600 %s", g.text, k.Path, g.text)
		}
		l.given[k.FileOf] = given{text: text, origin: Origin{g.origin.Layer, g.text + " (" + g.origin.Where + ")"}}
	}
}
