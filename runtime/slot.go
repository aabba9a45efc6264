package runtime

import (
	"onnxcompress/graph/tensor"
)

// slot is a place for the tensors that one value takes in the steps of a
// program, in one layout.
type slot struct {
	name  string
	dtype tensor.DType
	shape []int64
	// tensor is bound once where the slot has a buffer or holds a constant. In a
	// loose slot it is what the last step left there.
	tensor *tensor.Tensor
	// buffer is nil for constants, for inputs, which are the caller's to fill,
	// and for loose slots.
	buffer *buffer
	// constant says that the tensor never changes.
	constant bool
	// loose says that shape and memory are found when the program runs.
	loose bool
	// needs says that the slot depends on a variable, so that a gradient flows
	// through it.
	needs bool
}

// floats is the size of the slot's buffer.
func (s *slot) floats() int64 {
	n := int64(1)
	for _, d := range s.shape {
		n *= d
	}
	return n
}

// buffer is a stretch of the arena, in use from step first to step last.
type buffer struct {
	floats      int64
	first, last int
	offset      int64
	// joined is the buffer that took this one's place.
	joined *buffer
}

// root is the buffer that a joined one ended up in.
func (b *buffer) root() *buffer {
	for b != nil && b.joined != nil {
		b = b.joined
	}
	return b
}

// touch notes that the buffer is in use at a step.
func (b *buffer) touch(at int) {
	if b = b.root(); b == nil {
		return
	}
	if b.first < 0 {
		b.first = at
	}
	b.last = max(b.last, at)
}

// hold is touch for the slot's buffer, where there is one.
func (s *slot) hold(at int) {
	if s != nil {
		s.buffer.touch(at)
	}
}

// bind gives the slot its tensor in the arena.
func (s *slot) bind(memory []float32) {
	if s.buffer != nil && s.tensor == nil {
		s.tensor = tensor.FromFloat32s(s.shape, s.buffer.of(memory)[:s.floats()])
	}
}
