package main

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/compress"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/engine"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// The relative errors that count as agreement: that of most models, and that of
// recurrent and very deep ones.
const (
	near = 1e-4
	far  = 1e-3
	// nudge is by how much of themselves inputs are moved to see how far
	// onnxruntime's outputs move with them: the last bit of a float.
	nudge = 1.0 / (1 << 23)
	// uncertain is how many times that far the engines may lie apart, each of them
	// rounding in every layer.
	uncertain = 4
)

// agreement is how far the native engine is from onnxruntime.
type agreement struct {
	// unsupported names the operators that the engine does not have.
	unsupported []string
	// worst is the largest relative error of any output.
	worst float64
	// moved is how far onnxruntime's own outputs move when inputs move by a bit,
	// where worst is not near.
	moved float64
	err   error
}

// native compares the engines on the inputs that pruned models are judged on.
func (t *trial) native() (a agreement) {
	defer func() {
		if p := recover(); p != nil {
			a.err = fmt.Errorf("internal error: %v", p)
		}
	}()
	theirs, closeTheirs, err := t.open(t.path)
	if err != nil {
		return agreement{err: err}
	}
	defer closeTheirs()
	ours, err := engine.NewNative(1, 0).OpenFile(t.path)
	var u *runtime.Unsupported
	if errors.As(err, &u) {
		return agreement{unsupported: u.Operators}
	}
	if err != nil {
		return agreement{err: err}
	}
	defer ours.Close()
	inputs, err := t.feeds(theirs)
	if err != nil {
		return agreement{err: err}
	}
	a.worst, a.err = t.apart(inputs, theirs, ours, func(in compress.Inputs) compress.Inputs { return in })
	for part := 0; part < parts && a.err == nil && a.worst > near; part++ {
		var moved float64
		moved, a.err = t.apart(inputs, theirs, theirs, func(in compress.Inputs) compress.Inputs { return moveALittle(in, part) })
		a.moved = max(a.moved, moved)
	}
	return a
}

// apart is the largest relative error between the outputs of two sessions, of
// which the second gets what change makes of the inputs.
func (t *trial) apart(inputs []compress.Inputs, x, y compress.Session, change func(compress.Inputs) compress.Inputs) (worst float64, err error) {
	for _, in := range inputs {
		want, err := x.Run(in)
		if err != nil {
			return 0, err
		}
		got, err := y.Run(change(in))
		if err != nil {
			return 0, err
		}
		worst = max(worst, t.engine.Difference(want, got))
	}
	return worst, nil
}

// parts is how many different thirds of the inputs are moved.
const parts = 3

// moveALittle is the inputs with every third float32 moved by its last bit.
func moveALittle(in compress.Inputs, part int) compress.Inputs {
	out := compress.Inputs{}
	for name, v := range in {
		v = v.Clone()
		if v.DType == tensor.Float32 {
			for i, x := range v.Float32s() {
				if i%parts == part {
					v.Float32s()[i] = x * (1 + nudge)
				}
			}
		}
		out[name] = v
	}
	return out
}

// String is the agreement as the table tells it.
func (a *agreement) String() string {
	switch {
	case a.err != nil:
		return onnx.OneLine(a.err)
	case len(a.unsupported) > 0:
		return fmt.Sprintf("unsupported: %v", a.unsupported)
	case a.worst == 0:
		return "0"
	case a.worst <= near:
		return power(a.worst)
	case math.IsInf(a.worst, 0):
		return "differs"
	}
	return fmt.Sprintf("%s; a bit of the input moves onnxruntime's own by %.0e", power(a.worst), a.moved)
}

// within reports whether the engines agree up to a limit.
func (a *agreement) within(limit float64) bool {
	return a.err == nil && len(a.unsupported) == 0 && a.worst <= limit
}
