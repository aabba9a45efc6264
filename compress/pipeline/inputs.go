package pipeline

import (
	"context"
	"maps"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/graph"
)

// ReadInputs reads an npz of inputs by name. whole says that it is one batch as
// it stands; otherwise its samples are cut into batches that the model takes.
func ReadInputs(path string, ports []dataset.Port) (batches []compress.Inputs, whole bool, err error) {
	set, err := dataset.Open(path, dataset.Options{Inputs: ports, Whole: true})
	if err != nil {
		return nil, false, &Failure{BadInput, err}
	}
	defer set.Close()
	batches, _, err = take(set, batchSize(ports, 1), mostBatches)
	return batches, set.Whole(), err
}

// mostBatches bounds what is read into memory of samples that validate.
const mostBatches = 64

// batchSize is the size of a batch that the inputs ask for, or free where they
// leave it open.
func batchSize(ports []dataset.Port, free int) int {
	for _, p := range ports {
		if len(p.Shape) > 0 && p.Shape[0] > 0 {
			return int(p.Shape[0])
		}
	}
	return free
}

// take reads up to most full batches of n samples; one that is not full is
// taken where there is no other.
func take(set *dataset.Set, n, most int) (batches []compress.Inputs, labels [][]int64, err error) {
	for b, err := range set.Batches(n) {
		if err != nil {
			return nil, nil, &Failure{BadInput, err}
		}
		if len(batches) == most || len(batches) > 0 && b.Labels != nil && len(b.Labels) < n {
			break
		}
		batches, labels = append(batches, b.Inputs), append(labels, b.Labels)
	}
	return batches, labels, nil
}

// RandomInputs makes batches of random inputs, the i-th of i+1 samples where
// the model leaves their number open; shapes given by hand hold for all. A model
// that refuses several samples at a time gets batches of one.
func RandomInputs(engine Runner, s compress.Session, g *graph.Graph, shapes map[string][]int64, count int, seed int64) ([]compress.Inputs, error) {
	var batches []compress.Inputs
	for i := range count {
		in, err := acceptable(engine, s, g, shapes, int64(i+1), seed+int64(i))
		if err != nil {
			return nil, err
		}
		batches = append(batches, in)
	}
	return batches, nil
}

// acceptable makes a batch of n samples, or of one, that the model runs on.
func acceptable(engine Runner, s compress.Session, g *graph.Graph, shapes map[string][]int64, n, seed int64) (compress.Inputs, error) {
	ports := Ports(g)
	in, err := engine.Random(ports, batchShapes(ports, shapes, n), seed)
	if err != nil {
		return nil, BadInputs(err)
	}
	if _, err = s.Run(in); err == nil {
		return in, nil
	}
	if n > 1 {
		return acceptable(engine, s, g, shapes, 1, seed)
	}
	return nil, BadInputs(err)
}

// batchShapes gives n to the free first axes, and what is given by hand.
func batchShapes(ports []dataset.Port, given map[string][]int64, n int64) map[string][]int64 {
	shapes := map[string][]int64{}
	nominal := graph.Nominal(nil)
	for _, p := range ports {
		shape := make([]int64, len(p.Shape))
		for axis, d := range p.Shape {
			switch {
			case d >= 0:
				shape[axis] = d
			case axis == 0:
				shape[axis] = n
			case len(shape) == 4:
				shape[axis] = nominal.Image[max(axis-2, 0)]
			default:
				shape[axis] = nominal.Sequence
			}
		}
		shapes[p.Name] = shape
	}
	maps.Copy(shapes, given)
	return shapes
}

// prepare finds the inputs that the models are compared on and runs the
// original on them.
func (s *samples) prepare(ctx context.Context, r *run) error {
	if s.given == nil {
		var err error
		s.validation, err = RandomInputs(r.engine, r.original, r.subject.Graph.Graph, r.Shapes, validationBatches, r.Seed)
		return err
	}
	s.validation = s.given[:min(len(s.given), mostGiven)]
	for _, in := range s.validation {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := r.original.Run(in); err != nil {
			return BadInputs(err)
		}
	}
	return nil
}

const (
	// validationBatches is how many random batches the models are compared on.
	validationBatches = 3
	// mostGiven bounds the batches of given samples used for it.
	mostGiven = 8
)
