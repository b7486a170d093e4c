package mcp

import (
	"context"
	"sort"
	"strconv"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits"
)

// list tells the caller's tools, a page at a time.
func (d *Door) list(ctx context.Context, c caller, m *message, e era, b []byte) ([]byte, *rpcError) {
	last, bad := parseCursor(&m.params)
	if bad != nil {
		return b, bad
	}
	set, err := d.config.Tools.Toolset(ctx, c.principal, c.environment)
	if err != nil {
		failure := fault.From(err)
		return b, ofFault(failure, d.note(c, m.method, failure))
	}
	b = appendResult(b, m.id, e)
	b = append(b, d.lists.page(c.principal.Tenant, set, after(set.Tools, last))...)
	if e.modern {
		b = append(b, `,"ttlMs":`...)
		b = strconv.AppendInt(b, listTTL, 10)
		b = append(b, `,"cacheScope":"private"`...)
		meta := d.beginMeta(b, e)
		b = meta.end()
	}
	return append(b, "}}"...), nil
}

// parseCursor returns the name of the tool that the page before ended with.
// The list may have changed since; the page goes on where that name would be.
func parseCursor(p *params) (last string, bad *rpcError) {
	if p.cursor == nil || string(p.cursor) == "null" {
		return "", nil
	}
	cursor, ok := textOf(p.cursor, maxCursor)
	if !ok {
		return "", &rpcError{code: codeInvalidParams, message: "the cursor is not one that this server gave out"}
	}
	last, err := page.ParseCursor(cursor)
	if err != nil {
		return "", ofFault(fault.From(err), "")
	}
	return last, nil
}

// after returns the index of the first tool whose name sorts after last. tools
// are sorted by name.
func after(tools []toolkits.ToolEntry, last string) int {
	return sort.Search(len(tools), func(i int) bool { return tools[i].Name > last })
}
