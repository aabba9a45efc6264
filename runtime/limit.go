package runtime

import (
	"fmt"
	"slices"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// working is how many times the size of a node's inputs and outputs it may take
// to compute it: some definitions compute with numbers twice as wide.
const working = 3

// fallbackMemory is what a machine is taken to have that does not tell.
const fallbackMemory = 16 << 30

// affordable refuses nodes whose inputs and outputs are known to be too large
// for the memory there is. It comes before anything is allocated for them.
func (p *planner) affordable() error {
	for _, n := range p.session.graph.Nodes {
		invented := false
		for _, v := range slices.Concat(n.In, n.Out) {
			invented = invented || v != nil && p.loose[v.ID]
		}
		if invented {
			continue // the step finds out
		}
		view, limit, times := p.facts.Nodes[n.Index], p.session.limit, float64(working)
		if p.train && n.Spec != nil && p.fixed(n) {
			// How little would do, the arena tells.
			limit, times = max(limit, machineMemory()), 1
		}
		if err := affordable(limit, times, view.In, view.Out); err != nil {
			return fmt.Errorf("%s: %w", n.Label(), err)
		}
	}
	return nil
}

// affordable refuses tensors that take more memory, together and so many times,
// than there is.
func affordable(limit int64, times float64, lists ...[]*op.Fact) error {
	total := 0.0
	for _, list := range lists {
		for _, f := range list {
			if f == nil || !f.Known {
				continue
			}
			size := float64(max(f.DType.Bits(), 8)) / 8
			if f.DType == tensor.String {
				size = 24
			}
			total += size * float64(tensor.Extent(f.Shape))
		}
	}
	if times*total > float64(limit) {
		return fmt.Errorf("works on %.0f MiB, for which %d MiB of memory are too little", total/(1<<20), limit>>20)
	}
	return nil
}

// affordable does so for a step whose sizes are known only now.
func (s *step) affordable() error {
	if s.spec.Infer == nil {
		return nil
	}
	// What is wrong with the inputs the definition says better.
	facts, err := s.spec.Infer(s.view)
	if err != nil {
		return nil
	}
	out := make([]*op.Fact, len(facts))
	for i := range facts {
		out[i] = &facts[i]
	}
	return affordable(s.limit, working, s.view.In, out)
}
