package notes

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Note is one entry of a workspace.
type Note struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Tags      []string  `json:"tags"`
	CreatedAt time.Time `json:"created_at"`
}

// notebook keeps the notes of one workspace, in the order they were made. Ids
// are never used again, so that a cursor stays right when notes go.
type notebook struct {
	mu    sync.Mutex
	notes []Note
	last  int
	done  map[string]Note // by Idempotency-Key
}

// add keeps a new note. The same idempotency key gives the note that the first
// request made; an empty one is no key.
func (b *notebook) add(n Note, key string) Note {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first, ok := b.done[key]; ok && key != "" {
		return first
	}
	b.last++
	n.ID = fmt.Sprintf("note_%06d", b.last)
	b.notes = append(b.notes, n)
	if key != "" {
		if b.done == nil {
			b.done = map[string]Note{}
		}
		b.done[key] = n
	}
	return n
}

func (b *notebook) get(id string) (Note, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(id)
	if i < 0 {
		return Note{}, false
	}
	return b.notes[i], true
}

// change replaces a note by what edit makes of it.
func (b *notebook) change(id string, edit func(*Note)) (Note, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(id)
	if i < 0 {
		return Note{}, false
	}
	edit(&b.notes[i])
	return b.notes[i], true
}

func (b *notebook) remove(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(id)
	if i < 0 {
		return false
	}
	b.notes = slices.Delete(b.notes, i, i+1)
	return true
}

func (b *notebook) index(id string) int {
	return slices.IndexFunc(b.notes, func(n Note) bool { return n.ID == id })
}

// list returns at most limit notes, newest first, that are older than the one
// with id before, those with tag alone unless it is empty, and the id to go on
// from.
func (b *notebook) list(tag, before string, limit int) (notes []Note, next string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	notes = []Note{}
	for _, n := range slices.Backward(b.notes) {
		if (before != "" && n.ID >= before) || (tag != "" && !slices.Contains(n.Tags, tag)) {
			continue
		}
		if len(notes) == limit {
			return notes, notes[limit-1].ID
		}
		notes = append(notes, n)
	}
	return notes, ""
}

// search returns the notes whose title or body has the words, whatever their
// case.
func (b *notebook) search(words string) []Note {
	b.mu.Lock()
	defer b.mu.Unlock()
	words = strings.ToLower(words)
	notes := []Note{}
	for _, n := range b.notes {
		if strings.Contains(strings.ToLower(n.Title+"\n"+n.Body), words) {
			notes = append(notes, n)
		}
	}
	return notes
}

// seed fills a new workspace, so that environments can be told apart by what
// is in them.
func (b *notebook) seed(environment string, at time.Time) {
	for _, n := range []Note{
		{Title: "Welcome to " + environment, Body: "This workspace belongs to the environment " + environment + ".", Tags: []string{"welcome"}},
		{Title: "Release checklist", Body: "Steps before a release reaches " + environment + ".", Tags: []string{"release", "team"}},
		{Title: "Ideas", Body: "Things to try in " + environment + " next.", Tags: []string{"team"}},
	} {
		n.CreatedAt = at
		b.add(n, "")
	}
}
