package compact

import (
	"onnxcompress/depgraph"
	"onnxcompress/onnx"
)

// Origin says where an initializer of a compact model comes from: an initializer
// of the full one, of which on each axis the channels in Kept stay; a nil list
// keeps the whole axis.
type Origin struct {
	Name string
	Kept [][]int64
}

// Trace is Model with the weights as they are, and the origin of every
// initializer that holds a part of one of the full model, by name. Those that the cut
// leaves whole are not listed, nor are those that were made anew: what follows
// from shapes and channel counts, and constants computed from others.
func Trace(g *depgraph.Graph, cut *depgraph.Cut) (*onnx.Model, map[string]Origin, error) {
	b, err := build(g, cut, nil)
	if err != nil {
		return nil, nil, err
	}
	origins := map[string]Origin{}
	for v, parts := range b.sliced {
		if v.Init == nil {
			continue
		}
		for _, s := range parts {
			origins[s.name] = Origin{v.Name, s.kept}
		}
	}
	return b.out, origins, nil
}
