// Package httpapi is the REST door: the routes under /v1 by which
// administrators manage Wayleave and workflow nodes call tools, with the OpenAPI
// document that describes them.
//
// Every route is one entry with its least role; one adapter authenticates,
// decodes, answers and logs. The package decides nothing: it turns requests into
// calls of the registries and the Runner, and faults into problem+json
// (RFC 9457). Secrets come in and never go out.
//
// The tests here hold what a request must not be and what the document must
// say; internal/e2e tries every route of the document on a whole server, with
// docs/rest.md.
package httpapi
