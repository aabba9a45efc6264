package obs

import (
	"context"
	"errors"
	"fmt"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/depgraph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// Compensate fits the weights that stay after a cut, from the first layer that
// loses a channel on, in order: each to give, from what the compressed model
// computes before it, what the original gives. Where the output is added to
// another branch the fit makes up for what that branch has lost, and where it is
// rectified after, what the rectifier hides does not count. notes tell what was
// left as it is.
func Compensate(ctx context.Context, g *depgraph.Graph, cut *depgraph.Cut, runner compress.Runner, in Samples) (w compact.Weights, notes []string, err error) {
	in = in.bounded(g)
	masked, err := compact.Mask(g.Model, g, cut)
	if err != nil {
		return nil, nil, err
	}
	defer masked.Close()
	a, err := newAlgebra(runner)
	if err != nil {
		return nil, nil, err
	}
	f := &fitter{
		finder: newFinder(g), algebra: a, cut: cut, samples: in, weights: compact.Weights{},
		teacher: newLane(g, g.Model, runner, in.Batches), student: newLane(g, masked, runner, in.Batches),
	}
	err = f.run(ctx)
	return f.weights, f.notes, errors.Join(err, a.close())
}

// fitter follows the original, the teacher, and the compressed model, the
// student, through their layers.
type fitter struct {
	*finder
	*algebra
	cut     *depgraph.Cut
	samples Samples
	weights compact.Weights
	notes   []string

	teacher, student *lane
}

func (f *fitter) run(ctx context.Context) error {
	layers := f.layers()
	first := 0
	for first < len(layers) && f.input(layers[first]) == nil {
		first++
	}
	for i, y := range layers[first:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.samples.Progress != nil {
			f.samples.Progress(i, len(layers)-first)
		}
		if !f.own(y.weight) {
			continue
		}
		if y.columns() > widest {
			f.notes = append(f.notes, fmt.Sprintf("%s is not compensated: it sums over %d inputs", y.node.Label(), y.columns()))
			continue
		}
		if err := f.teacher.advance(y.node.Index + 1); err != nil {
			return err
		}
		if err := f.student.advance(y.node.Index); err != nil {
			return err
		}
		if err := f.layer(y); err != nil {
			return err
		}
	}
	return nil
}

// input lists the channels of a layer's data that stay, nil for all.
func (f *fitter) input(y *layer) []int64 {
	return f.cut.Channels(y.node, op.In(y.product.Data, y.product.DataAxis))
}

// layer fits one layer: each of its groups by itself.
func (f *fitter) layer(y *layer) error {
	t, err := f.content(y.weight)
	if err != nil {
		return err
	}
	bias, err := f.biases(y)
	if err != nil {
		return err
	}
	m := y.matrix(t)
	staysIn, staysOut := stays(f.input(y), y.in), stays(f.cut.Channels(y.node, op.Out(0, y.product.OutAxis)), y.out)
	rows := f.sample(y)
	for group := range y.product.Groups {
		p := &part{
			layer: y, fitter: f, rows: rows, matrix: m,
			first: group * (y.in / y.product.Groups), in: within(staysIn, group, y.in/y.product.Groups), out: within(staysOut, group, y.out/y.product.Groups),
		}
		if len(p.out) == 0 || len(p.in) == 0 {
			continue
		}
		err := p.fit(bias)
		if errors.Is(err, errSingular) {
			f.notes = append(f.notes, fmt.Sprintf("%s is not compensated: %v", y.node.Label(), err))
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", y.node.Label(), err)
		}
	}
	clearOut(m, y, staysIn, staysOut)
	f.store(y.weight, y.tensor(m, t.Shape))
	if y.bias != nil {
		f.storeBias(y, bias, staysOut)
	}
	return nil
}

// content is what a weight holds now.
func (f *fitter) content(w *depgraph.Weight) (*tensor.Tensor, error) {
	if t := f.weights[w]; t != nil {
		return t, nil
	}
	return f.Witness.Tensor(w.Value)
}

func (f *fitter) store(w *depgraph.Weight, t *tensor.Tensor) {
	f.weights[w] = t
	f.student.replace(w.Node, w.Slot, t)
}

// biases are what a layer adds to each channel by the weight that can be
// changed; nil where there is none.
func (f *fitter) biases(y *layer) ([]float64, error) {
	if y.bias == nil {
		return nil, nil
	}
	t, err := f.content(y.bias)
	if err != nil {
		return nil, err
	}
	return t.AsFloat64s(), nil
}

// storeBias replaces what is added to the channels that stay.
func (f *fitter) storeBias(y *layer, bias []float64, staysOut []bool) {
	for c := range bias {
		if !staysOut[c] && y.bias.Zeroable(f.biasAxis(y)) {
			bias[c] = 0
		}
	}
	f.store(y.bias, float32s(bias, f.Witness.Values[y.bias.Value.ID].Shape))
}

// biasAxis is the axis of the bias that is as long as the layer has channels.
func (f *fitter) biasAxis(y *layer) int {
	for axis, d := range f.Witness.Values[y.bias.Value.ID].Shape {
		if d == int64(y.out) {
			return axis
		}
	}
	return 0
}

// stays marks the channels that a list names, all for nil.
func stays(list []int64, n int) []bool {
	marks := make([]bool, n)
	for i := range marks {
		marks[i] = list == nil
	}
	for _, c := range list {
		marks[c] = true
	}
	return marks
}

// within lists the marked channels of one group of a layer.
func within(marks []bool, group, each int) []int {
	var list []int
	for c := group * each; c < (group+1)*each; c++ {
		if marks[c] {
			list = append(list, c)
		}
	}
	return list
}

// clearOut zeroes what goes of a matrix.
func clearOut(m []float64, y *layer, staysIn, staysOut []bool) {
	width, each := y.columns(), y.out/y.product.Groups
	for o := range y.out {
		first := o / each * (y.in / y.product.Groups)
		for j := range width {
			if !staysOut[o] || !staysIn[first+j/y.area] {
				m[o*width+j] = 0
			}
		}
	}
}

// rows are the samples of one layer, batch by batch.
type rows struct {
	student []*patches
	count   int
}

// sample chooses the places of a layer's output that are looked at.
func (f *fitter) sample(y *layer) *rows {
	r := &rows{}
	for b, in := range f.student.live {
		p := newPatches(y, f.Nominal.Nodes[y.node.Index], in, y.places(in, len(f.student.live)), seedOf(f.samples.Seed, y, b))
		r.student = append(r.student, p)
		r.count += len(p.places)
	}
	return r
}
