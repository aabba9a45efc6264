package pipeline

import "onnxcompress/graph"

// Enlarges is how many times as high and wide as its only input the only output of
// a model of pictures is by its nominal sizes, 0 where it is not so.
func Enlarges(g *graph.Graph, nominal *graph.Facts) int {
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return 0
	}
	in, out := &nominal.Values[g.Inputs[0].ID], &nominal.Values[g.Outputs[0].ID]
	if !in.Known || !out.Known || len(in.Shape) != 4 || len(out.Shape) != 4 || !in.DType.IsFloat() || !out.DType.IsFloat() {
		return 0
	}
	for _, axes := range [][3]int{{1, 2, 3}, {3, 1, 2}} { // of channels, height and width
		c, h, w := axes[0], axes[1], axes[2]
		channels := in.Shape[c]
		if channels != 1 && channels != 3 || out.Shape[c] != channels || in.Shape[h] == 0 || in.Shape[w] == 0 {
			continue
		}
		if n := out.Shape[h] / in.Shape[h]; n > 1 && out.Shape[h] == n*in.Shape[h] && out.Shape[w] == n*in.Shape[w] {
			return int(n)
		}
	}
	return 0
}
