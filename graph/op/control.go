package op

import (
	"errors"
	"fmt"

	"onnxcompress/graph/tensor"
)

// controlRows run subgraphs. They are evaluated by who executes a model; of
// their channels nothing is said, so that all they touch is pinned.
var controlRows = map[string]*Spec{
	"If":          {Forward: forwardIf, Unfolded: every, Lists: true},
	"Loop":        {Forward: forwardLoop, Unfolded: every, Lists: true},
	"Scan":        {Forward: forwardScan, Unfolded: every, Lists: true},
	"SequenceMap": {Forward: forwardSequenceMap, Unfolded: every, Lists: true},
}

// runBody evaluates the subgraph in an attribute and gives at least count outputs.
func runBody(n *Node, attr string, args []*tensor.Tensor, count int) ([]*tensor.Tensor, error) {
	a := n.Attrs[attr]
	if a.Run == nil {
		return nil, fmt.Errorf("subgraph %s cannot be run here", attr)
	}
	out, err := a.Run(args)
	if err != nil {
		return nil, err
	}
	return out, present(out, max(count, len(out)))
}

// yes reads a truth value of one element.
func yes(t *tensor.Tensor) (bool, error) {
	if t == nil || t.DType != tensor.Bool || len(t.Data) != 1 {
		return false, errors.New("the condition is no truth value")
	}
	return t.Data[0] != 0, nil
}

func forwardIf(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	first, err := yes(in[0])
	if err != nil {
		return nil, err
	}
	return runBody(n, choose(first, "then_branch", "else_branch"), nil, n.Outputs)
}

// forwardLoop hands the state from one run of the body to the next, and stacks
// the outputs behind it.
func forwardLoop(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	trips, on := int64(-1), true
	if t := optional(in, 0); t != nil {
		v := t.AsInt64s()
		if len(v) != 1 {
			return nil, errors.New("the trip count is no whole number")
		}
		trips = max(v[0], 0)
	}
	if t := optional(in, 1); t != nil {
		var err error
		if on, err = yes(t); err != nil {
			return nil, err
		}
	}
	states := in[min(len(in), 2):]
	if err := present(states, len(states)); err != nil {
		return nil, err
	}
	scans := make([][]*tensor.Tensor, max(len(n.Attrs["body"].Gives)-1-len(states), 0))
	for i := int64(0); on && i != trips; i++ {
		args := append([]*tensor.Tensor{tensor.FromInt64s(nil, []int64{i}), tensor.Scalar(tensor.Bool, truth(on))}, states...)
		out, err := runBody(n, "body", args, 1+len(states)+len(scans))
		if err != nil {
			return nil, fmt.Errorf("iteration %d: %w", i, err)
		}
		if on, err = yes(out[0]); err != nil {
			return nil, err
		}
		states = out[1 : 1+len(states)]
		for k := range scans {
			scans[k] = append(scans[k], out[1+len(states)+k])
		}
	}
	results := append([]*tensor.Tensor{}, states...)
	for k, list := range scans {
		t, err := gathered(list, 0, n.Attrs["body"].Gives[1+len(states)+k])
		if err != nil {
			return nil, err
		}
		results = append(results, t)
	}
	return results, nil
}

// gathered stacks what runs of a body gave; where there were none, the result
// is empty and of the shape that the body declares.
func gathered(list []*tensor.Tensor, axis int64, declared Fact) (*tensor.Tensor, error) {
	if len(list) > 0 {
		return stacked(list, axis)
	}
	at, err := Axis(axis, len(declared.Shape)+1)
	if err != nil {
		return nil, err
	}
	shape := append([]int64{}, declared.Shape[:at]...)
	shape = append(append(shape, 0), declared.Shape[at:]...)
	return alloc(declared.DType, shape)
}

// forwardSequenceMap runs the body for each element of the first sequence, with
// the elements at its place of the others, and with tensors as they are.
func forwardSequenceMap(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list, err := listOf(in)
	if err != nil {
		return nil, err
	}
	if err := present(in, len(in)); err != nil {
		return nil, err
	}
	results := make([]*tensor.Tensor, n.Outputs)
	for o := range results {
		results[o] = tensor.List(tensor.Undefined)
		if gives := n.Attrs["body"].Gives; o < len(gives) {
			results[o].DType = gives[o].DType
		}
	}
	for i := range list {
		args := make([]*tensor.Tensor, len(in))
		for k, t := range in {
			if args[k] = t; t.Kind == tensor.ListKind {
				if i >= len(t.Items) {
					return nil, errors.New("the sequences are not of one length")
				}
				args[k] = t.Items[i]
			}
		}
		out, err := runBody(n, "body", args, len(results))
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		for o := range results {
			results[o].Items = append(results[o].Items, out[o])
		}
	}
	return results, nil
}
