// Package rest carries out the tools that are one HTTP request, or several
// pages of one.
//
// It builds the request that the app's definition describes, sends it over an
// opened connection, follows the pages that the definition allows and shapes
// what came back. It never sees a credential: the connection's Upstream puts it
// on the request.
package rest
