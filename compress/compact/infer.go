package compact

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// infer finds the facts of the compact node's outputs and holds them against
// the original's less the cut.
func (e *edit) infer() error {
	var facts [2][]op.Fact
	for k := range e.bindings {
		var err error
		if facts[k], err = e.node.Infer(e.view(k)); err != nil {
			return fmt.Errorf("does not accept its inputs after the cut: %w", err)
		}
	}
	for o, v := range e.node.Out {
		if v == nil {
			continue
		}
		if o >= len(facts[0]) || o >= len(facts[1]) || !facts[0][o].Known {
			continue // opaque: nothing it touches was cut
		}
		if err := e.output(o, v, [2]op.Fact{facts[0][o], facts[1][o]}); err != nil {
			return err
		}
	}
	return nil
}

// output settles what is known of output o: its shape has to be the cut one,
// and a number that the graph derives from a channel count keeps its old
// value.
func (e *edit) output(o int, v *graph.Value, now [2]op.Fact) error {
	cut := false
	for k, b := range e.bindings {
		old := &b.old.Values[v.ID]
		kept := e.keptUnder(k)
		want := slices.Clone(old.Shape)
		for axis := range want {
			if list := kept(op.Out(o, axis)); list != nil {
				want[axis], cut = int64(len(list)), true
			}
		}
		if old.Known && !slices.Equal(want, now[k].Shape) && !dataDependent(e.bindings[0].old.Values[v.ID].Shape, e.bindings[1].old.Values[v.ID].Shape, want, now[k].Shape) {
			return fmt.Errorf("output %s has shape %v after the cut, not %v", v.Name, now[k].Shape, want)
		}
	}
	if cut {
		e.reshaped[v.Name] = true
	}
	if frozen, err := e.freeze(o, v, now, cut); frozen || err != nil {
		return err
	}
	for k, b := range e.bindings {
		b.now[v.ID] = now[k]
		b.changed[v.ID] = cut || !same(&b.old.Values[v.ID], &now[k])
	}
	return nil
}

// dataDependent reports whether a wanted and a found shape differ only where
// the original's size was invented.
func dataDependent(witness, nominal, want, found []int64) bool {
	if len(want) != len(found) || len(witness) != len(nominal) || len(want) != len(witness) {
		return false
	}
	for axis := range want {
		if want[axis] != found[axis] && witness[axis] == nominal[axis] {
			return false
		}
	}
	return true
}

func same(a, b *op.Fact) bool {
	if a.Known != b.Known || !slices.Equal(a.Shape, b.Shape) || (a.Value == nil) != (b.Value == nil) {
		return false
	}
	return a.Value == nil || a.Value == b.Value || bytes.Equal(a.Value.Data, b.Value.Data)
}

// freeze keeps the value of a number that was computed from shapes: as a
// constant where it is one, else by the factor between old and new.
func (e *edit) freeze(o int, v *graph.Value, now [2]op.Fact, cut bool) (bool, error) {
	w, n := &e.bindings[0].old.Values[v.ID], &e.bindings[1].old.Values[v.ID]
	if w.Value == nil || n.Value == nil || w.DType.IsInt() || w.DType == tensor.String {
		return false, nil
	}
	if cut {
		kept := make([][]int64, len(w.Shape))
		for axis := range kept {
			kept[axis] = e.keptUnder(0)(op.Out(o, axis))
		}
		want, err := w.Value.Take(kept)
		if err != nil {
			return false, err
		}
		if now[0].Value == nil || !bytes.Equal(want.Data, now[0].Value.Data) {
			return false, errors.New("computes other numbers after the cut")
		}
		return false, nil
	}
	if same(w, &now[0]) && same(n, &now[1]) {
		return false, nil
	}
	if bytes.Equal(w.Value.Data, n.Value.Data) && slices.Equal(w.Shape, n.Shape) {
		e.addTensor(v.Name, w.Value)
		e.frozen[e.node.Index] = true
		return true, e.alone(o)
	}
	factor, ok := factorBetween(&now[0], w)
	other, ok2 := factorBetween(&now[1], n)
	if !ok || !ok2 || !(factor/other > 1-1e-6 && factor/other < 1+1e-6) {
		return false, errors.New("derives numbers from a channel count in a way that cannot be kept")
	}
	e.scale(o, factor)
	return true, nil
}

// alone checks that the frozen output is the only one of its node.
func (e *edit) alone(o int) error {
	for i, v := range e.node.Out {
		if v != nil && i != o {
			return fmt.Errorf("output %s cannot be made a constant beside others", e.node.Out[o].Name)
		}
	}
	return nil
}

// factorBetween is the number that turns every element of now into that of
// old.
func factorBetween(now, old *op.Fact) (float64, bool) {
	if now.Value == nil || now.Value.Len() != old.Value.Len() || !old.DType.IsFloat() {
		return 0, false
	}
	a, b := now.Value.AsFloat64s(), old.Value.AsFloat64s()
	factor, found := 1.0, false
	for i := range a {
		switch {
		case a[i] == b[i] && a[i] == 0:
		case a[i] == 0:
			return 0, false
		case !found:
			factor, found = b[i]/a[i], true
		case b[i]/a[i] < factor*(1-1e-6) || b[i]/a[i] > factor*(1+1e-6):
			return 0, false
		}
	}
	return factor, true
}
