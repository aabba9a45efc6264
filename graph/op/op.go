// Package op says what each ONNX operator means for a node in isolation: the
// shapes it gives, which channel of which input is which channel of which
// output, whether zero stays zero, what its attributes become after a cut, what
// it costs and how to evaluate it.
//
// A family of operators lives in one file and adds its rows to the table. What
// a row leaves out is answered on the safe side: an axis that no link mentions
// is pinned, an operator without a row pins all it touches.
package op

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Fact is what is known of a value under one binding of the model's free
// dimensions to numbers.
type Fact struct {
	DType tensor.DType
	// Known says that Shape holds; an unknown shape has an unknown rank too.
	Known bool
	Shape []int64
	// Value is the content where it follows from constants and shapes alone
	// and is cheap to hold.
	Value *tensor.Tensor
	// Static says that the content follows from constants alone, and so is
	// the same under every binding.
	Static bool
	// Items are the elements of a sequence, where their number is known.
	Items []Fact
}

// Of is the fact of a tensor with a known shape.
func Of(dt tensor.DType, shape ...int64) Fact {
	return Fact{DType: dt, Known: true, Shape: shape}
}

// Unknown is the fact of a tensor of which only the element type is known.
func Unknown(dt tensor.DType) Fact { return Fact{DType: dt} }

// Rank is the number of axes of a known shape.
func (f *Fact) Rank() int { return len(f.Shape) }

// Ints returns the content of a known integer or boolean tensor.
func (f *Fact) Ints() ([]int64, bool) {
	if f == nil || f.Value == nil {
		return nil, false
	}
	v := f.Value.AsInt64s()
	return v, v != nil
}

// Node is one node as its operator sees it. In holds nil for an absent
// optional input; In and Out are aligned with the node's inputs and outputs.
type Node struct {
	Name, Type, Domain string
	// Version is the opset version of Domain that the model imports.
	Version int
	Attrs   Attrs
	In      []*Fact
	// Out is filled once Infer has answered.
	Out []*Fact
	// Outputs is the number of outputs the node names, absent ones included.
	Outputs int
	// Fresh invents the size of an axis that depends on data; each call gives
	// another number.
	Fresh func() int64
	// Rand is what operators that draw at random draw from. Where it is nil
	// they draw from a source of their own, of which attribute seed, where it
	// is given, is the seed.
	Rand *rand.Rand
	// Last says that the tensors that Layout lists are stored with axis 1 last.
	Last bool
	// Train asks Compile for what a training does: statistics of the batch and
	// not those stored, numbers dropped at random.
	Train bool
	// Tail is what Compile is asked to do with the output.
	Tail *Tail
	// Pool is what a routine that Compile makes will run on.
	Pool *kernel.Pool
	// Places says, for each input, where among the inputs of the routine it lies;
	// nil where each is an input of its own, row by row. Those that are not row by
	// row the operator Reads so.
	Places []Place
	// OutLie is how output 0 is to lie, as the operator Writes it; nil for row by
	// row.
	OutLie *Lie
}

// Input returns the fact of input i, nil where the node has none.
func (n *Node) Input(i int) *Fact {
	if i < 0 || i >= len(n.In) {
		return nil
	}
	return n.In[i]
}

// Has reports whether input i is present.
func (n *Node) Has(i int) bool { return n.Input(i) != nil }

// Shape returns the shape of input i; ok is false where it is absent or
// unknown.
func (n *Node) Shape(i int) (shape []int64, ok bool) {
	f := n.Input(i)
	if f == nil || !f.Known {
		return nil, false
	}
	return f.Shape, true
}

// DType returns the element type of input i, Undefined where it is absent.
func (n *Node) DType(i int) tensor.DType {
	if f := n.Input(i); f != nil {
		return f.DType
	}
	return tensor.Undefined
}

// IntsIn returns the content of integer input i, or the attribute of that
// name: the two places where opsets keep axes, pads and the like. known is
// false where the input is present and its content is not known; given is
// false where neither is present.
func (n *Node) IntsIn(i int, attr string) (v []int64, given, known bool) {
	if f := n.Input(i); f != nil {
		v, ok := f.Ints()
		return v, true, ok
	}
	if a, ok := n.Attrs[attr]; ok {
		return a.Ints, true, true
	}
	return nil, false, true
}

// Axis normalises an axis that may count from the end.
func Axis(axis int64, rank int) (int, error) {
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis >= int64(rank) {
		return 0, fmt.Errorf("axis out of range for rank %d", rank)
	}
	return int(axis), nil
}

// Spec is the meaning of one operator. Every field may be nil.
type Spec struct {
	// Infer gives one fact per output. Inputs may be of unknown shape: then
	// the answer is Unknown, not an error. An error says that no input of
	// these shapes is valid.
	Infer func(n *Node) ([]Fact, error)
	// Links declares how channels correspond. All input and output shapes it
	// needs are known when it is called.
	Links func(n *Node, l *Linker)
	// Dead gives the content of a dead channel of output out along axis, from
	// what the same channel holds in each input (Varying where an input does
	// not carry the channel, unless it is a uniform constant). Nil stands for
	// what Carry, ZeroIn and Forward imply.
	Dead func(n *Node, out, axis int, in []State) State
	// Narrow adjusts attributes and operands to the cut; nil where nothing in
	// them speaks of channel counts.
	Narrow func(n *Node, c *Cut) error
	// Cost is the number of multiply-accumulates.
	Cost func(n *Node) int64
	// Forward evaluates the operator: it is the definition of what a node gives.
	// It does not modify its inputs, and may return one of them.
	// Nothing of the node's facts is needed, only its attributes, version and
	// number of outputs.
	Forward func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error)
	// Lists says that Forward takes sequences and absent optionals for inputs.
	Lists bool
	// Unfolded reports whether what Forward gives is never to be taken for a
	// constant: because it is drawn at random, is no tensor, depends on a
	// subgraph, or stands for numbers that are stored in fewer bits. Nil says
	// that it may be.
	Unfolded func(n *Node) bool
	// Carry says that the operator only moves elements of input 0 (or, for
	// several data inputs, of all of them), whatever their type.
	Carry bool
	// Elementwise says that an output element depends on the input elements
	// at its own (broadcast) position only.
	Elementwise bool
	// ZeroIn lists inputs whose zero alone makes the output zero.
	ZeroIn []int
	// Opaque is the reason why everything that the node touches stays whole,
	// whether its shapes are known or not; empty where Links answers.
	Opaque string
	// Partial lists inputs for which not every number gives a finite result.
	Partial []int
	// Follow lists inputs that are cut with their channels but never zeroed,
	// because zero there is harmful (a variance, a denominator).
	Follow []int
	// Running lists inputs that hold running statistics: what Compile makes for
	// a training changes them, and no gradient flows to them.
	Running []int
	// Normalises says that the operator gives what runs through it a mean and
	// variance of its own.
	Normalises bool
	// Product reads the node as a linear map of its data; ok is false where it
	// is none. The shapes of the inputs are known.
	Product func(n *Node) (p Product, ok bool)
	// Affine reads the node, with the contents of its constant inputs, as one
	// that scales and shifts channels.
	Affine func(n *Node, in []*tensor.Tensor) (a Affine, ok bool)
	// Sum says that the output is the sum of the inputs, broadcast.
	Sum bool
	// Compile makes a routine for nodes of float32 tensors whose shapes are
	// known; nil where these inputs have none, and Forward has to serve. What
	// Value holds of an input is the same in every call.
	Compile func(n *Node) (*Routine, error)
	// Tails says which tails the routine can do; nil for none.
	Tails func(n *Node) TailKind
	// Rectifier says that the operator makes negative numbers zero and leaves the
	// others as they are.
	Rectifier bool
	// Layout says whether the node may run channels-last; ok is false where it
	// may not.
	Layout func(n *Node) (l Layout, ok bool)
	// Lies says how the outputs lie in the memory of input 0, which lies there as
	// given, where the node only chooses among its elements and orders them anew;
	// nil where no steps say so.
	Lies func(n *Node, in Lie) []Lie
	// Reads reports whether Compile takes input i, and writes its gradient, where
	// it lies as given; Writes whether output 0 may lie so. Nil is never.
	Reads  func(n *Node, i int, l Lie) bool
	Writes func(n *Node, l Lie) bool
	// Stacks says that output 0 is the product of inputs 0 and 1, which are
	// matrices in stacks.
	Stacks bool
	// Shares reports whether the node makes shares of what lies along the last
	// axis: exp x divided by the sum of those.
	Shares func(n *Node) bool
	// Broken says that the output tells which elements of input 0 are no numbers.
	Broken bool
	// Scales reads the node as a product of input i with a number.
	Scales func(n *Node) (i int, by float64, ok bool)
	// Hides reads the node as one that puts a number in the place of elements of
	// input i, where input 0, of booleans, says so.
	Hides func(n *Node) (i int, h Hiding, ok bool)

	formula formula
	// mix is how the elements are computed, where each follows from those of the
	// inputs at its own place.
	mix   func(n *Node) mixture
	curve func(n *Node) curve
}

// Evaluate calls Forward where the inputs are of kinds that it takes; an absent
// input is nil. It is an error where there is no Forward.
func (s *Spec) Evaluate(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if s.Forward == nil {
		return nil, errors.New("cannot be evaluated")
	}
	for i, t := range in {
		if t != nil && t.Kind != tensor.Dense && !s.Lists {
			return nil, fmt.Errorf("input %d is no tensor", i)
		}
	}
	return s.Forward(n, in)
}

// Folds reports whether the operator can be evaluated and what it gives be
// taken for a constant where its inputs are constants.
func (s *Spec) Folds(n *Node) bool {
	return s.Forward != nil && (s.Unfolded == nil || !s.Unfolded(n))
}

// every is Unfolded for operators of which no node is folded.
func every(*Node) bool { return true }

// Lookup returns the meaning of an operator, nil where there is none. The
// default domain is the empty string; "ai.onnx" is the same.
func Lookup(domain, opType string) *Spec {
	if domain != "" && domain != "ai.onnx" {
		opType = domain + "." + opType
	}
	return table[opType]
}

// Names lists the operators of the table, those of other domains as
// "domain.Type", in no particular order.
func Names() []string {
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	return names
}
