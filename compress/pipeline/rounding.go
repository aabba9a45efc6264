package pipeline

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/graph/tensor"
)

const (
	// nudge is how much inputs are changed to see how finely a model can be
	// compared: a few units in the last place of float32.
	nudge = 0x1p-20
	// nudges is how often, for each batch.
	nudges = 4
	// coarsest is the largest difference that may pass for rounding.
	coarsest = 1e-2
)

// rounding is how far the outputs of a model move, relatively, when its inputs
// change by what rounding amounts to. Sums in another order do no less, and an
// operator that is coarse near its limits, as Sigmoid is near zero, makes steps
// of it that are large beside the output.
func rounding(ctx context.Context, engine Runner, s compress.Session, batches []compress.Inputs, seed int64) (float64, error) {
	rng := rand.New(rand.NewPCG(uint64(seed), nudges))
	worst := 0.0
	for _, in := range batches {
		want, err := s.Run(in)
		if err != nil {
			return 0, BadInputs(err)
		}
		for range nudges {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			got, err := s.Run(nudged(in, rng))
			if err != nil {
				return 0, BadInputs(err)
			}
			worst = max(worst, engine.Difference(want, got))
		}
	}
	return worst, nil
}

// nudged changes the float32 inputs of a batch by a random part of nudge.
func nudged(in compress.Inputs, rng *rand.Rand) compress.Inputs {
	out := compress.Inputs{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		t := in[name]
		if t.DType == tensor.Float32 {
			v := slices.Clone(t.Float32s())
			for i := range v {
				v[i] *= float32(1 + nudge*(2*rng.Float64()-1))
			}
			t = tensor.FromFloat32s(t.Shape, v)
		}
		out[name] = t
	}
	return out
}
