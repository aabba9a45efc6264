// Package runtime executes models in Go: it plans the steps of a graph for
// inputs of given shapes, lays out their memory, and runs them.
package runtime

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unsafe"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime/kernel"
)

// Options are how a model is executed.
type Options struct {
	// Threads is the number of cores to use, 0 for all.
	Threads int
	// MemoryLimit bounds the memory of one program in bytes; 0 for what the
	// machine has.
	MemoryLimit int64
	// Seed is that of operators that draw at random.
	Seed uint64
}

// Session is a model ready to run. It serves one caller at a time.
type Session struct {
	graph    *graph.Graph
	pool     *kernel.Pool
	limit    int64
	source   *rand.PCG
	rand     *rand.Rand
	programs map[string]*Program
	last     *Program
	most     int
	// memory is where all programs lie that never run at once; nil where each has
	// its own.
	memory *store
	// train says that programs compute gradients, from that of output number
	// target.
	train  bool
	target int
	// variables are the initializers that training changes by their gradients,
	// running those that nodes change as they run, by name. weights holds both.
	variables, running map[string]bool
	weights            map[string]*tensor.Tensor
	// apart keeps nodes from being computed together, for tests that compare.
	apart bool
}

// Open readies a model. It returns an *Unsupported error that names all
// operators that the engine does not have.
func Open(m *onnx.Model, o Options) (*Session, error) {
	g, err := graph.Import(m)
	if err != nil {
		return nil, err
	}
	if err := supported(g); err != nil {
		return nil, err
	}
	return newSession(g, kernel.NewPool(o.Threads), o), nil
}

func newSession(g *graph.Graph, pool *kernel.Pool, o Options) *Session {
	if o.MemoryLimit <= 0 {
		o.MemoryLimit = machineMemory()
	}
	source := rand.NewPCG(o.Seed, 0)
	return &Session{
		graph: g, pool: pool, limit: o.MemoryLimit,
		source: source, rand: rand.New(source),
		programs: map[string]*Program{}, most: mostPrograms,
	}
}

// child is a session for a graph that a node of this one runs.
func (s *Session) child(g *graph.Graph) *Session {
	c := newSession(g, s.pool, Options{MemoryLimit: s.limit})
	c.source, c.rand = s.source, s.rand
	return c
}

// Close ends the session's threads.
func (s *Session) Close() error {
	s.pool.Close()
	return nil
}

// Run computes the outputs by name from the inputs by name. The outputs are the
// caller's to keep.
func (s *Session) Run(inputs map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	args := make([]*tensor.Tensor, len(s.graph.Inputs))
	for i, v := range s.graph.Inputs {
		args[i] = inputs[v.Name]
	}
	if err := s.suit(args); err != nil {
		return nil, err
	}
	results, err := s.evaluate(args)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*tensor.Tensor, len(results))
	for i, v := range s.graph.Outputs {
		out[v.Name] = results[i]
	}
	return out, nil
}

// suit reports how arguments contradict what the inputs declare.
func (s *Session) suit(args []*tensor.Tensor) error {
	if len(args) != len(s.graph.Inputs) {
		return fmt.Errorf("%d inputs are given, the model takes %d", len(args), len(s.graph.Inputs))
	}
	for i, v := range s.graph.Inputs {
		if args[i] == nil {
			return fmt.Errorf("input %s is not given", v.Name)
		}
		if err := suits(v, args[i]); err != nil {
			return err
		}
	}
	return nil
}

// suits reports how a tensor contradicts what an input declares.
func suits(v *graph.Value, t *tensor.Tensor) error {
	tt := v.Type.GetTensorType()
	if tt == nil {
		return nil
	}
	if want := tensor.DType(tt.GetElemType()); want != t.DType && want != tensor.Undefined {
		return fmt.Errorf("input %s is of type %v, not %v", v.Name, t.DType, want)
	}
	if tt.GetShape() == nil {
		return nil
	}
	dims := tt.GetShape().GetDim()
	ok := len(dims) == len(t.Shape)
	for axis := 0; ok && axis < len(dims); axis++ {
		want := dims[axis].GetDimValue()
		ok = want <= 0 || want == t.Shape[axis]
	}
	if !ok {
		return fmt.Errorf("input %s has shape %v, which the model does not take", v.Name, t.Shape)
	}
	return nil
}

// evaluate computes the outputs from the inputs, in order.
func (s *Session) evaluate(args []*tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := s.load(args)
	if err != nil {
		return nil, err
	}
	if err := p.Run(); err != nil {
		return nil, err
	}
	results := make([]*tensor.Tensor, len(p.outputs))
	for i, out := range p.outputs {
		if results[i] = out.tensor; out.tensor != nil {
			results[i] = out.tensor.Clone()
		}
	}
	return results, nil
}

// load gives the program for the arguments, which it has been handed.
func (s *Session) load(args []*tensor.Tensor) (*Program, error) {
	p, err := s.program(args)
	if err != nil {
		return nil, err
	}
	for i, t := range args {
		if i < len(p.inputs) {
			if err := p.set(i, t); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// mostPrograms is the number of programs that a session keeps; one whose shapes
// change with every run begins anew.
const mostPrograms = 16

// program returns the one for arguments of these shapes.
func (s *Session) program(args []*tensor.Tensor) (*Program, error) {
	if s.last != nil && s.last.takes(args) {
		return s.last, nil
	}
	var key strings.Builder
	for _, t := range args {
		if t != nil {
			fmt.Fprint(&key, t.DType, t.Shape, t.Kind)
		}
		key.WriteByte(';')
	}
	if p := s.programs[key.String()]; p != nil {
		s.last = p
		return p, nil
	}
	shapes, types := map[string][]int64{}, map[string]tensor.DType{}
	for i, v := range s.graph.Inputs {
		if i < len(args) && args[i] != nil && args[i].Kind == tensor.Dense {
			shapes[v.Name], types[v.Name] = args[i].Shape, args[i].DType
		}
	}
	plan, err := s.plan(shapes, types)
	if err != nil {
		return nil, err
	}
	p, err := plan.finish()
	if err != nil {
		return nil, err
	}
	if len(s.programs) >= s.most {
		clear(s.programs)
	}
	s.programs[key.String()], s.last = p, p
	return p, nil
}

// overlap reports whether two slices share memory.
func overlap(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	p, q := uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return p < q+uintptr(len(b)) && q < p+uintptr(len(a))
}

// changes reports whether training changes the initializer of that name.
func (s *Session) changes(name string) bool { return s.variables[name] || s.running[name] }

// variable is the tensor of an initializer that training changes: a copy of
// its own.
func (s *Session) variable(v *graph.Value) (*tensor.Tensor, error) {
	if t := s.weights[v.Name]; t != nil {
		return t, nil
	}
	t, err := graph.Decode(s.graph.Model, v.Init)
	if err != nil {
		return nil, err
	}
	s.weights[v.Name] = copied(t)
	return s.weights[v.Name], nil
}
