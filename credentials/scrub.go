package credentials

type scrubber struct{}

func newScrubber(texts []string) *scrubber { return nil }
func (s *scrubber) bytes(b []byte) []byte  { return b }
func (s *scrubber) string(v string) string { return v }
