package dataset

import (
	"fmt"
	"maps"
	"slices"

	"onnxcompress/graph/tensor"
)

// arrays holds samples stacked along the first axis of one array per input.
type arrays struct {
	columns []column
	count   int
	judge   truth
}

// whole is one batch that is handed out as it is.
type whole map[string]*tensor.Tensor

// feed finds the source of the one array that feeds the only input.
func (o *opener) feed(data, judge *block, from string) (source, error) {
	if len(o.Inputs) > 1 {
		return nil, fmt.Errorf("one array cannot feed %s", describe(o.Inputs))
	}
	return o.labelled(map[string]*block{o.Inputs[0].Name: data}, judge, from)
}

// labelled is stack with labels or targets that are read from an array, nil for
// none.
func (o *opener) labelled(data map[string]*block, judge *block, from string) (source, error) {
	a, err := o.stack(data)
	if err != nil || judge == nil {
		return a, err
	}
	a.judge, err = newTruth(judge, a.count, from, o.Regression)
	return a, err
}

// stack makes a source of arrays by input name whose first axes count samples.
func (o *opener) stack(data map[string]*block) (*arrays, error) {
	a := &arrays{}
	for _, p := range o.Inputs {
		b := data[p.Name]
		if err := numeric(b.Tensor); err != nil {
			return nil, err
		}
		if b.Rank() == 0 {
			return nil, fmt.Errorf("the array of input %v is a scalar: it counts no samples", p)
		}
		if b.Len() == 0 {
			return nil, fmt.Errorf("holds no samples of input %v: its array is %v", p, b.Shape)
		}
		n := int(b.Shape[0])
		if len(a.columns) > 0 && n != a.count {
			return nil, fmt.Errorf("%d samples of input %s, but %d of %s", a.count, a.columns[0].port.Name, n, p.Name)
		}
		a.count = n
		c, err := newColumn(p, b, o.Options)
		if err != nil {
			return nil, err
		}
		a.columns = append(a.columns, c)
	}
	return a, nil
}

// numeric refuses what samples cannot be.
func numeric(t *tensor.Tensor) error {
	if t.DType == tensor.String || t.DType == tensor.Complex64 || t.DType == tensor.Complex128 {
		return fmt.Errorf("npy array of %v: samples are numbers or booleans", t.DType)
	}
	return nil
}

// isWhole reports whether arrays by input name are one batch, as Options.Whole
// tells.
func isWhole(data map[string]*block, labelled bool, o Options) bool {
	stacked, count := true, int64(-1)
	for _, p := range o.Inputs {
		t := data[p.Name]
		if o.Whole && p.Shape == nil {
			continue // of a rank that the model leaves open, or a scalar
		}
		if !matches(t.Shape, p.Shape) {
			return false
		}
		if t.Rank() == 0 || p.Shape[0] >= 0 || count >= 0 && count != t.Shape[0] {
			stacked = false
			continue
		}
		count = t.Shape[0]
	}
	return o.Whole || !labelled && !stacked
}

// matches reports whether a shape has a port's rank and fixed dimensions.
func matches(shape, port []int64) bool {
	if len(shape) != len(port) {
		return false
	}
	for a, d := range port {
		if d >= 0 && d != shape[a] {
			return false
		}
	}
	return true
}

func newWhole(data map[string]*block, o Options) (whole, error) {
	w := whole{}
	for _, p := range o.Inputs {
		t, err := data[p.Name].whole()
		if err == nil {
			w[p.Name], err = converted(t, p)
		}
		if err != nil {
			return nil, fmt.Errorf("array %s: %w", p.Name, err)
		}
	}
	return w, nil
}

// converted is a tensor in an input's type, which must be of its kind: an array
// of other numbers is more likely a mistake than meant.
func converted(t *tensor.Tensor, p Port) (*tensor.Tensor, error) {
	switch {
	case t.DType == p.DType || p.DType == tensor.Undefined:
		return t, nil
	case kindOf(p.DType) == other || kindOf(t.DType) != kindOf(p.DType):
		return nil, fmt.Errorf("it is of type %v, and the input of %v", t.DType, p.DType)
	}
	out := t.As(p.DType)
	if kindOf(p.DType) == integer && !slices.Equal(out.AsFloat64s(), t.AsFloat64s()) {
		return nil, fmt.Errorf("it holds numbers that %v does not", p.DType)
	}
	return out, nil
}

// kind tells element types that stand for each other from those that do not.
type kind int

const (
	other kind = iota
	real
	integer
)

func kindOf(dt tensor.DType) kind {
	switch {
	case dt.IsWhole():
		return integer
	case dt.IsFloat(), dt > tensor.BFloat16 && dt <= tensor.Int2:
		return real
	}
	return other
}

func (w whole) size() int     { return 1 }
func (w whole) truth() *truth { return &truth{} }

func (w whole) feeders() []feeder { return nil }

func (w whole) batch([]int, moment) (Batch, error) { return Batch{Inputs: maps.Clone(w)}, nil }

func (a *arrays) size() int     { return a.count }
func (a *arrays) truth() *truth { return &a.judge }

func (a *arrays) batch(idx []int, _ moment) (Batch, error) {
	return gathered(a.feeders(), &a.judge, idx)
}

func (a *arrays) feeders() []feeder {
	all := make([]feeder, len(a.columns))
	for i := range a.columns {
		all[i] = &a.columns[i]
	}
	return all
}
