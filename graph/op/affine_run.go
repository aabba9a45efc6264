package op

import "onnxcompress/runtime/kernel"

// compileAffineGrid multiplies the points of an even grid, with a one behind each,
// by the maps.
func compileAffineGrid(n *Node) (*Routine, error) {
	if _, known := n.Input(1).Ints(); !floats(n, 0) || !known || !allKnown(n.Out[0]) {
		return nil, nil
	}
	out := n.Out[0].Shape
	rank := len(out) - 2
	spatial := out[1 : rank+1]
	places, batch := int(product(spatial)), int(out[0])
	if product(n.In[0].Shape) != int64(batch*rank*(rank+1)) || places*batch == 0 {
		return nil, nil
	}
	corners := n.Attrs.Int("align_corners", 0) != 0
	points := make([]float32, places*(rank+1))
	for i := range places {
		at, point := int64(i), points[i*(rank+1):(i+1)*(rank+1)]
		point[rank] = 1
		for axis := rank - 1; axis >= 0; axis-- {
			point[rank-1-axis] = float32(evenly(at%spatial[axis], spatial[axis], corners))
			at /= spatial[axis]
		}
	}
	grid, cells := kernel.Dense(points, places, rank+1), places*rank
	maps := func(theta []float32, b int) kernel.Matrix {
		return kernel.Dense(theta[b*rank*(rank+1):(b+1)*rank*(rank+1)], rank, rank+1)
	}
	return &Routine{
		Adds: true,
		Forward: func(f *Frame) {
			for b := range batch {
				kernel.Gemm(f.Pool, 1, grid, maps(f.X(0), b).T(), 0, kernel.Dense(f.Y(0)[b*cells:(b+1)*cells], places, rank), nil)
			}
		},
		Backward: func(f *Frame) {
			for b := range batch {
				dy := kernel.Dense(f.DOut[0].Float32s()[b*cells:(b+1)*cells], places, rank)
				kernel.Gemm(f.Pool, 1, dy.T(), grid, f.beta(0, 0), maps(f.DIn[0].Float32s(), b), nil)
			}
		},
	}, nil
}
