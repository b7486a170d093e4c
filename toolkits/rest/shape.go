package rest

import (
	"strings"

	"github.com/wayleave/wayleave/toolkits/apps"
)

// shape returns the part of a document that the definition keeps.
func shape(doc any, out apps.Output) any {
	if out.Root != nil {
		part, ok := out.Root.Find(doc)
		if !ok {
			return nil
		}
		doc = part
	}
	if len(out.Pick) > 0 {
		doc = each(doc, func(item map[string]any) any { return pick(item, out.Pick) })
	}
	if len(out.Drop) > 0 {
		doc = each(doc, func(item map[string]any) any {
			for _, path := range out.Drop {
				drop(item, strings.Split(path, "."))
			}
			return item
		})
	}
	return doc
}

// each applies fn to an object, or to every object of a list.
func each(doc any, fn func(map[string]any) any) any {
	switch doc := doc.(type) {
	case map[string]any:
		return fn(doc)
	case []any:
		for i, item := range doc {
			if object, ok := item.(map[string]any); ok {
				doc[i] = fn(object)
			}
		}
	}
	return doc
}

// pick returns the members of item that the dotted paths name, in their places.
// A path goes through lists: "labels.name" keeps the name of every label.
func pick(item map[string]any, paths []string) map[string]any {
	out := map[string]any{}
	for _, path := range paths {
		copyPath(out, item, strings.Split(path, "."))
	}
	return out
}

func copyPath(to, from map[string]any, path []string) {
	value, ok := from[path[0]]
	if !ok {
		return
	}
	if len(path) == 1 {
		to[path[0]] = value
		return
	}
	switch value := value.(type) {
	case map[string]any:
		inner, ok := to[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			to[path[0]] = inner
		}
		copyPath(inner, value, path[1:])
	case []any:
		copyEach(to, value, path)
	}
}

// copyEach copies the rest of the path from every object of a list.
func copyEach(to map[string]any, list []any, path []string) {
	inner, ok := to[path[0]].([]any)
	if !ok || len(inner) != len(list) {
		inner = make([]any, len(list))
		for i := range inner {
			inner[i] = map[string]any{}
		}
		to[path[0]] = inner
	}
	for i, item := range list {
		object, ok := item.(map[string]any)
		if target, fits := inner[i].(map[string]any); ok && fits {
			copyPath(target, object, path[1:])
		}
	}
}

// drop removes the member that the path names, in every object of a list.
func drop(from map[string]any, path []string) {
	if len(path) == 1 {
		delete(from, path[0])
		return
	}
	switch value := from[path[0]].(type) {
	case map[string]any:
		drop(value, path[1:])
	case []any:
		for _, item := range value {
			if object, ok := item.(map[string]any); ok {
				drop(object, path[1:])
			}
		}
	}
}
