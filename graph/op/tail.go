package op

import (
	"onnxcompress/runtime/kernel"
)

// Tail is what follows a node, element by element, and what its routine does as
// it writes the output: y = act(scale·x + shift + residual). What is nil or false
// is left out.
type Tail struct {
	// Scale and Shift have a number for each channel.
	Scale, Shift []float32
	// Bias has a number for each place along the last axis, to add.
	Bias []float32
	// Residual says that the input after the node's own is added. It has the
	// output's shape and layout.
	Residual bool
	// Relu says that negative numbers become zero.
	Relu bool
	// Act is another function of one number, computed in place.
	Act func(x []float32)
}

// TailKind says which tails a routine can do.
type TailKind struct{ Affine, Bias, Residual, Relu, Act bool }

// Activation is the function of one number that a node computes, in place, for
// the tail of another; ok is false where it is none.
func (s *Spec) Activation(n *Node) (act func(x []float32), ok bool) {
	if s.curve == nil || !n.Has(0) || !s.Fuses(n) {
		return nil, false
	}
	for _, in := range n.In[1:] {
		if in != nil && (in.Value == nil || !in.Static || in.Value.Len() != 1) {
			return nil, false
		}
	}
	c := s.curve(n)
	return func(x []float32) { c.forward(x, x) }, true
}

// epilogue is the tail for a product whose columns are channels; bias is that of
// the product.
func (t *Tail) epilogue(e *kernel.Epilogue) {
	if t == nil {
		return
	}
	e.Act = t.Act
	if t.Relu {
		e.Act = rectify
	}
}

func rectify(x []float32) { kernel.Relu(x, x) }
