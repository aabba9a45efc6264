package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// scan is one run of Scan: the body goes along an axis of some inputs and
// hands states on.
type scan struct {
	*Node
	states, inputs []*tensor.Tensor
	// inAxes and outAxes are the axes that are gone along and stacked,
	// backIn and backOut say which from the end.
	inAxes, outAxes []int64
	backIn, backOut []int64
	steps           int64
}

// listed is a list attribute of count entries, zeros where it is absent.
func listed(n *Node, attr string, count int) ([]int64, error) {
	v := n.Attrs.Ints(attr)
	if len(v) == 0 {
		return make([]int64, count), nil
	}
	if len(v) != count {
		return nil, fmt.Errorf("%s has %d entries for %d", attr, len(v), count)
	}
	return v, nil
}

func forwardScan(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if n.Version < 9 {
		return forwardScanBatch(n, in)
	}
	s, err := newScan(n, in, "scan_input_directions")
	if err != nil {
		return nil, err
	}
	if s.inAxes, err = listed(n, "scan_input_axes", len(s.inputs)); err != nil {
		return nil, err
	}
	if s.outAxes, err = listed(n, "scan_output_axes", len(s.outAxes)); err != nil {
		return nil, err
	}
	if s.backOut, err = listed(n, "scan_output_directions", len(s.outAxes)); err != nil {
		return nil, err
	}
	for i, t := range s.inputs {
		axis, err := Axis(s.inAxes[i], t.Rank())
		if err != nil {
			return nil, err
		}
		if s.inAxes[i] = int64(axis); i > 0 && t.Shape[axis] != s.steps {
			return nil, errors.New("the inputs are not of one length")
		}
		s.steps = t.Shape[axis]
	}
	return s.runBody()
}

// newScan divides the inputs into states and those that are gone along.
func newScan(n *Node, in []*tensor.Tensor, directions string) (*scan, error) {
	count := int(n.Attrs.Int("num_scan_inputs", 0))
	if count < 1 || count > len(in) {
		return nil, fmt.Errorf("%d scanned inputs of %d", count, len(in))
	}
	if err := present(in, len(in)); err != nil {
		return nil, err
	}
	s := &scan{Node: n, states: in[:len(in)-count], inputs: in[len(in)-count:]}
	outputs := max(len(n.Attrs["body"].Gives)-len(s.states), 0)
	s.inAxes, s.outAxes, s.backOut = make([]int64, count), make([]int64, outputs), make([]int64, outputs)
	var err error
	s.backIn, err = listed(n, directions, count)
	return s, err
}

func (s *scan) runBody() ([]*tensor.Tensor, error) {
	states, outputs := s.states, make([][]*tensor.Tensor, len(s.outAxes))
	for step := range s.steps {
		args := slices.Clone(states)
		for i, t := range s.inputs {
			part, err := row(t, int(s.inAxes[i]), choose(s.backIn[i] != 0, s.steps-1-step, step))
			if err != nil {
				return nil, err
			}
			args = append(args, part)
		}
		out, err := runBody(s.Node, "body", args, len(states)+len(outputs))
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", step, err)
		}
		states = out[:len(states)]
		for k := range outputs {
			outputs[k] = append(outputs[k], out[len(states)+k])
		}
	}
	results := slices.Clone(states)
	for k, list := range outputs {
		if s.backOut[k] != 0 {
			slices.Reverse(list)
		}
		t, err := gathered(list, s.outAxes[k], s.Attrs["body"].Gives[len(states)+k])
		if err != nil {
			return nil, err
		}
		results = append(results, t)
	}
	return results, nil
}

// forwardScanBatch is Scan as opset 8 has it: the first axis is a batch, of
// which each sequence may have a length of its own, and the second is gone
// along. Outputs are zero behind the end of a sequence.
func forwardScanBatch(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if len(in) == 0 {
		return nil, errMissing
	}
	lengths := in[0]
	whole, err := newScan(n, in[1:], "directions")
	if err != nil {
		return nil, err
	}
	if whole.inputs[0].Rank() < 2 {
		return nil, errors.New("scans rank 2 or more")
	}
	batch, steps := whole.inputs[0].Shape[0], whole.inputs[0].Shape[1]
	sizes := line(batch, steps, 0)
	if lengths != nil {
		sizes = lengths.AsInt64s()
	}
	for _, t := range slices.Concat(whole.inputs, whole.states) {
		if t.Rank() == 0 || t.Shape[0] != batch || int64(len(sizes)) != batch {
			return nil, errors.New("the inputs are not of one batch")
		}
	}
	results := make([][]*tensor.Tensor, len(whole.states)+len(whole.outAxes))
	for b := range batch {
		s := *whole
		if s.states, err = rows(whole.states, b); err != nil {
			return nil, err
		}
		if s.inputs, err = rows(whole.inputs, b); err != nil {
			return nil, err
		}
		for _, t := range s.inputs {
			if t.Rank() == 0 || t.Shape[0] != steps || sizes[b] < 0 || sizes[b] > steps {
				return nil, errors.New("the inputs are not of one length")
			}
		}
		s.steps = sizes[b]
		for i, t := range s.inputs {
			if s.inputs[i], err = stretchOf(t, 0, 0, s.steps); err != nil {
				return nil, err
			}
		}
		out, err := s.runBody()
		if err != nil {
			return nil, fmt.Errorf("sequence %d: %w", b, err)
		}
		for k, t := range out {
			if k >= len(s.states) {
				t, err = lengthened(t, steps)
			}
			if err != nil {
				return nil, err
			}
			results[k] = append(results[k], t)
		}
	}
	final := make([]*tensor.Tensor, len(results))
	for k, list := range results {
		if final[k], err = stacked(list, 0); err != nil {
			return nil, err
		}
	}
	return final, nil
}

// rows are the parts of tensors at one index of their first axis.
func rows(list []*tensor.Tensor, index int64) ([]*tensor.Tensor, error) {
	parts := make([]*tensor.Tensor, len(list))
	for i, t := range list {
		var err error
		if parts[i], err = row(t, 0, index); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// lengthened is t with zeros behind the end of its first axis.
func lengthened(t *tensor.Tensor, size int64) (*tensor.Tensor, error) {
	shape, tables := slices.Clone(t.Shape), lines(t.Shape)
	for range size - shape[0] {
		tables[0] = append(tables[0], -1)
	}
	shape[0] = size
	return pick(t, shape, tables, nil)
}
