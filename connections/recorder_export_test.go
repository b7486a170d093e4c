package connections

// Known returns how many connections the Recorder has an entry for.
func (r *Recorder) Known() int {
	n := 0
	for i := range r.shards {
		r.shards[i].mu.Lock()
		n += len(r.shards[i].entries)
		r.shards[i].mu.Unlock()
	}
	return n
}

// RecorderForgets is the number of flushes between two sweeps.
const RecorderForgets = recorderForgets
