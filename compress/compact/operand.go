package compact

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// operand makes integer input slot hold what the operator wants after the cut
// under both bindings. Where the graph computes it so already, nothing is
// done; else elements that are plain numbers become constants and the others
// are taken from what the graph computes.
func (e *edit) operand(slot int, witness, nominal []int64) error {
	if len(witness) != len(nominal) {
		return fmt.Errorf("input %d needs contents of different lengths", slot)
	}
	wants := [2][]int64{witness, nominal}
	var has [2][]int64
	settled := true
	for k := range wants {
		in := e.view(k).In
		if slot < len(in) && in[slot] != nil {
			has[k], _ = in[slot].Ints()
		}
		settled = settled && slices.Equal(has[k], wants[k])
	}
	if settled {
		return nil
	}
	if has[0] != nil && (len(has[0]) != len(witness) || len(has[1]) != len(witness)) {
		has = [2][]int64{}
	}
	dt, shape := tensor.Int64, []int64{int64(len(witness))}
	if in := e.view(0).In; slot < len(in) && in[slot] != nil {
		dt = in[slot].DType
		if n, err := tensor.Count(in[slot].Shape); err == nil && in[slot].Known && int(n) == len(witness) {
			shape = in[slot].Shape
		}
	}
	name, err := e.assemble(slot, wants, has, dt, shape)
	if err != nil {
		return err
	}
	for len(e.proto.Input) <= slot {
		e.proto.Input = append(e.proto.Input, "")
	}
	e.proto.Input[slot] = name
	for k := range wants {
		fact := op.Of(dt, shape...)
		fact.Value = integers(dt, shape, wants[k])
		e.override(k, slot, fact)
	}
	return nil
}

func integers(dt tensor.DType, shape, v []int64) *tensor.Tensor {
	if dt == tensor.Int64 {
		return tensor.FromInt64s(slices.Clone(shape), slices.Clone(v))
	}
	t := tensor.New(dt, shape...)
	size := dt.Size()
	for i, x := range v {
		for b := range size {
			t.Data[i*size+b] = byte(x >> (8 * b))
		}
	}
	return t
}

// assemble names a tensor with the wanted contents.
func (e *edit) assemble(slot int, wants, has [2][]int64, dt tensor.DType, shape []int64) (string, error) {
	base := e.proto.GetOutput()[0] + "_operand"
	if slices.Equal(wants[0], wants[1]) {
		return e.constant(base, integers(dt, shape, wants[0])), nil
	}
	if has[0] == nil || len(shape) != 1 {
		return "", fmt.Errorf("input %d depends on a free dimension and on the cut, and is not known", slot)
	}
	var parts []string
	for i := range wants[0] {
		part, err := e.element(base, e.proto.Input[slot], i, wants, has, dt)
		if err != nil {
			return "", fmt.Errorf("input %d: %w", slot, err)
		}
		parts = append(parts, part)
	}
	joined := e.names.Fresh(base)
	e.insert("Concat", parts, joined, &onnx.AttributeProto{
		Name: proto.String("axis"), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(0),
	})
	return joined, nil
}

// element names a one-element vector with element i of the wanted contents.
func (e *edit) element(base, source string, i int, wants, has [2][]int64, dt tensor.DType) (string, error) {
	w, n, hw, hn := wants[0][i], wants[1][i], has[0][i], has[1][i]
	number := func(v int64) string { return e.constant(base, integers(dt, []int64{1}, []int64{v})) }
	if w == n {
		return number(w), nil
	}
	if hw == hn && hw <= 0 {
		return number(hw), nil // the operator's own sign for "as it comes"
	}
	part := e.names.Fresh(base)
	at := e.constant(base, tensor.Vector(int64(i)))
	e.insert("Gather", []string{source, at}, part)
	if w == hw && n == hn {
		return part, nil
	}
	if hw <= 0 || hn <= 0 || w*hn != n*hw {
		return "", fmt.Errorf("element %d is %d and should be %d", i, hw, w)
	}
	times, over := e.names.Fresh(base), e.names.Fresh(base)
	d := gcd(w, hw)
	e.insert("Mul", []string{part, number(w / d)}, times)
	e.insert("Div", []string{times, number(hw / d)}, over)
	return over, nil
}

func (e *edit) insert(opType string, in []string, out string, attrs ...*onnx.AttributeProto) {
	e.before[e.node.Index] = append(e.before[e.node.Index], &onnx.NodeProto{
		OpType: proto.String(opType), Name: proto.String(out), Input: in, Output: []string{out}, Attribute: attrs,
	})
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
