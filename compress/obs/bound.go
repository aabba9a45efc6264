package obs

import (
	"onnxcompress/compress"
	"onnxcompress/depgraph"
	"onnxcompress/graph/tensor"
)

const (
	// mostMACs bounds the multiplications of running all samples once, mostBytes
	// what is held of them at a time.
	mostMACs  = 1.5e12
	mostBytes = 1 << 30
	// alive is how many of the largest value a model holds at a time, about: the
	// branches of a block, in the original and in the compressed model.
	alive = 6
)

// bounded takes as many batches as time and memory allow, but one.
func (in Samples) bounded(g *depgraph.Graph) Samples {
	macs, largest := float64(compress.SizeOf(g).MACs), int64(0)
	for i := range g.Nominal.Values {
		fact := &g.Nominal.Values[i]
		if n, err := tensor.Count(fact.Shape); err == nil && fact.Known && !fact.Static {
			largest = max(largest, n)
		}
	}
	bytes := 4 * alive * float64(largest)
	nominal := int64(1)
	for _, v := range g.Inputs {
		if shape := g.Nominal.Values[v.ID].Shape; len(shape) > 0 {
			nominal = max(shape[0], 1)
			break
		}
	}
	samples := min(mostMACs/max(macs, 1), mostBytes/max(bytes, 1)) * float64(nominal)
	taken := 0
	for i, b := range in.Batches {
		if taken += rowsOf(b); i > 0 && float64(taken) > samples {
			in.Batches = in.Batches[:i]
			break
		}
	}
	return in
}

// rowsOf is the number of samples of a batch.
func rowsOf(b compress.Inputs) int {
	n := 1
	for _, t := range b {
		if t.Rank() > 0 {
			n = max(n, int(t.Shape[0]))
		}
	}
	return n
}
