package apps

// A Request is a compiled request of a definition. To be replaced.
type Request struct{}

// A Path selects a part of an answer. To be replaced.
type Path struct{ src string }

type condition struct{}

type compiledSchema struct{}
