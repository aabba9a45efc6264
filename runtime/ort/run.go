package ort

import (
	"errors"
	"fmt"
	"strings"

	onnxruntime "github.com/yalue/onnxruntime_go"

	"onnxcompress/graph/tensor"
)

var errClosed = errors.New("the session is closed")

// Run computes the model's outputs by name. Inputs that the model does not have
// are ignored. A sequence gives its tensors as name[0], name[1], ..., a map as
// name.keys and name.values. The error of a run that fails wraps ErrRun.
func (s *Session) Run(in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	out, err := s.run(in)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %s", ErrRun, s.name, oneLine(err))
	}
	return out, nil
}

func (s *Session) run(in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	if s.session == nil {
		return nil, errClosed
	}
	inputs, err := s.values(in)
	defer func() { destroy(inputs) }()
	if err != nil {
		return nil, err
	}
	outputs := make([]onnxruntime.Value, len(s.graft.outputs))
	defer func() { destroy(outputs) }()
	if err := s.session.Run(inputs, outputs); err != nil {
		return nil, err
	}
	return s.read(outputs)
}

// values are the session's inputs in its order; those made before an error are
// returned with it.
func (s *Session) values(in map[string]*tensor.Tensor) ([]onnxruntime.Value, error) {
	var values []onnxruntime.Value
	for _, p := range s.inputs {
		t := in[p.Name]
		switch {
		case p.DType == tensor.Undefined:
			return values, fmt.Errorf("input %s is not a tensor and cannot be given", p.Name)
		case t == nil:
			return values, fmt.Errorf("no value for input %s (%s)", p.Name, p)
		case p.DType != t.DType:
			return values, fmt.Errorf("input %s is %v, not %v", p.Name, p.DType, t.DType)
		}
		v, err := newValue(t)
		if err != nil {
			return values, fmt.Errorf("input %s: %w", p.Name, err)
		}
		values = append(values, v)
	}
	if len(s.inputs) == 0 {
		v, err := newValue(tensor.New(tensor.Float32, 1))
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

// read undoes the graft on the values of a run.
func (s *Session) read(values []onnxruntime.Value) (map[string]*tensor.Tensor, error) {
	out := make(map[string]*tensor.Tensor, len(s.outputs))
	for i, r := range s.graft.reads {
		p := s.outputs[i]
		if err := readValue(p.Name, values[r.value], out); err != nil {
			return nil, err
		}
		if r.shape >= 0 {
			shape, err := readTensor(values[r.shape])
			if err != nil {
				return nil, fmt.Errorf("shape of output %s: %w", p.Name, err)
			}
			out[p.Name].Shape = shape.Int64s()
		}
		if p.DType == tensor.Float16 || p.DType == tensor.BFloat16 {
			out[p.Name] = narrowed(out[p.Name], p.DType)
		}
	}
	return out, nil
}

// narrowed turns float32s that were 16-bit floats into those again.
func narrowed(t *tensor.Tensor, dtype tensor.DType) *tensor.Tensor {
	n := tensor.New(dtype, t.Shape...)
	for i, f := range t.Float32s() {
		h := tensor.Float32ToHalf(f)
		if dtype == tensor.BFloat16 {
			h = bfloat16(f)
		}
		n.Data[2*i], n.Data[2*i+1] = byte(h), byte(h>>8)
	}
	return n
}

// String is the port's type and shape as a user would write it: float32[?,3].
func (p Port) String() string {
	if p.DType == tensor.Undefined {
		return "not a tensor"
	}
	dims := make([]string, len(p.Shape))
	for i, d := range p.Shape {
		dims[i] = fmt.Sprint(d)
		if d < 0 {
			dims[i] = "?"
		}
	}
	return fmt.Sprintf("%v[%s]", p.DType, strings.Join(dims, ","))
}
