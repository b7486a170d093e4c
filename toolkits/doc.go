// Package toolkits turns connections into tools.
//
// A [Toolkit] is an app's chosen tools under one slug, with a binding from each
// environment to a connection. The [Runner] runs one tool for one caller: it
// finds the tool among those granted, checks the arguments, decides the
// environment, hence the connection, opens it and hands it to the [Executor]
// that carries the tool out. Both doors, MCP and REST, call the same Runner.
//
// Toolkits sit behind [Store]; internal/store keeps them and its conformance
// suite holds what they promise. Definitions of apps are in toolkits/apps.
package toolkits
