package ort

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// tiny keeps the error of an output that is zero throughout finite.
const tiny = 1e-12

// OutputError says how far two models' values of one output lie apart, at worst
// over all batches.
type OutputError struct {
	Name string
	// RelError is the largest difference over the largest magnitude of the
	// first model's finite elements. It is infinite where the shapes or types
	// differ, where one value is NaN or infinite and the other not the same, and
	// where elements that are no floats differ at all.
	RelError float64
	// Mismatch is the share of elements that differ, for outputs that are not
	// floats, and 1 where the shapes or types do.
	Mismatch float64
	// NonFinite is the number of NaN and infinite elements of the first model.
	NonFinite int
}

// Comparison is the result of running two models on the same inputs.
type Comparison struct {
	Outputs []OutputError
	// Max is the largest RelError.
	Max     float64
	Batches int
}

// Compare runs a and b on each batch and compares every output of a. The error
// of a run that fails wraps ErrRun; no batches are an error too, for nothing
// would be compared.
func Compare(a, b *Session, batches []map[string]*tensor.Tensor) (Comparison, error) {
	c := Comparison{Batches: len(batches)}
	if len(batches) == 0 {
		return c, fmt.Errorf("no inputs to compare %s and %s on", a.name, b.name)
	}
	worst := map[string]OutputError{}
	for _, batch := range batches {
		x, err := a.Run(batch)
		if err != nil {
			return c, err
		}
		y, err := b.Run(batch)
		if err != nil {
			return c, err
		}
		for name, e := range compareOutputs(x, y) {
			worst[name] = worse(worst[name], e)
		}
	}
	for _, name := range orderOf(a.outputs, worst) {
		e := worst[name]
		c.Outputs = append(c.Outputs, e)
		c.Max = max(c.Max, e.RelError)
	}
	return c, nil
}

// compareOutputs covers the outputs of both: one that only one model gives is
// infinitely wrong.
func compareOutputs(x, y map[string]*tensor.Tensor) map[string]OutputError {
	errs := make(map[string]OutputError, len(x))
	for name, t := range x {
		errs[name] = CompareTensors(name, t, y[name])
	}
	for name := range y {
		if x[name] == nil {
			errs[name] = unlike(name)
		}
	}
	return errs
}

// orderOf lists names as the model orders its outputs; what a sequence or map
// unpacked to comes last.
func orderOf(ports []Port, errs map[string]OutputError) []string {
	var names, rest []string
	for _, p := range ports {
		if _, ok := errs[p.Name]; ok {
			names = append(names, p.Name)
		}
	}
	for name := range errs {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

func worse(a, b OutputError) OutputError {
	return OutputError{b.Name, max(a.RelError, b.RelError), max(a.Mismatch, b.Mismatch), max(a.NonFinite, b.NonFinite)}
}

func unlike(name string) OutputError {
	return OutputError{Name: name, RelError: math.Inf(1), Mismatch: 1}
}

// CompareTensors compares two values of the output called name, as Compare
// does; b may be nil, which differs from every value.
func CompareTensors(name string, a, b *tensor.Tensor) OutputError {
	if b == nil || a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		return unlike(name)
	}
	if a.DType.IsFloat() {
		return compareFloats(name, a.AsFloat64s(), b.AsFloat64s())
	}
	different, n := differing(a, b), a.Len()
	if different == 0 {
		return OutputError{Name: name}
	}
	return OutputError{Name: name, RelError: math.Inf(1), Mismatch: float64(different) / float64(n)}
}

// differing counts the elements in which a and b, alike in type and shape, are
// not the same; those packed into bytes count all when one differs.
func differing(a, b *tensor.Tensor) int {
	different := 0
	if a.DType == tensor.String {
		for i, s := range a.Strings {
			if !bytes.Equal(s, b.Strings[i]) {
				different++
			}
		}
		return different
	}
	if bytes.Equal(a.Data, b.Data) {
		return 0
	}
	size := a.DType.Size()
	if a.DType.Bits()%8 != 0 {
		return a.Len()
	}
	for i := 0; i < len(a.Data); i += size {
		if !bytes.Equal(a.Data[i:i+size], b.Data[i:i+size]) {
			different++
		}
	}
	return different
}

func compareFloats(name string, a, b []float64) OutputError {
	e := OutputError{Name: name}
	var difference, magnitude float64
	for i, x := range a {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			e.NonFinite++
			if x != b[i] && !(math.IsNaN(x) && math.IsNaN(b[i])) {
				difference = math.Inf(1)
			}
			continue
		}
		magnitude = max(magnitude, math.Abs(x))
		d := math.Abs(x - b[i])
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		difference = max(difference, d)
	}
	e.RelError = difference / max(magnitude, tiny)
	return e
}
