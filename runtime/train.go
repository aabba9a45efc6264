package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime/kernel"
	"onnxcompress/runtime/loss"
)

// TrainOptions are how a model is trained.
type TrainOptions struct {
	// Threads is the number of cores to use, 0 for all.
	Threads int
	// MemoryLimit bounds the memory of one program in bytes; 0 for what the
	// machine has. Where it would be exceeded, some of what the gradients need is
	// not kept but computed again: they stay the same, and a step takes longer.
	MemoryLimit int64
	// Seed is that of all that is random in a step.
	Seed uint64
	// Output names the output that is trained, empty for the first.
	Output string
	// Variables chooses, among the float32 initializers that the output depends
	// on, those to train. Nil takes all with more than one element.
	Variables func(name string, t *tensor.Tensor) bool
}

// Variable is one initializer that is trained.
type Variable struct {
	Name  string
	Shape []int64
	// Value is the weight itself, for an optimiser to change. Grad is its
	// gradient as of the last Backward, until the next Forward or Evaluate; nil
	// before the first and where the output does not depend on the variable
	// smoothly. It may be changed, and lies elsewhere after a step on inputs of
	// other shapes.
	Value, Grad []float32
}

// Trainer computes the gradients of a model's initializers. It plans one
// program for each shape of its inputs, all on the same weights and in the same
// memory, and serves one caller at a time. For the same seed and number of threads results are the
// same. From the second step on inputs of one shape on nothing is allocated.
type Trainer struct {
	model       *onnx.Model
	train, eval *Session
	// program is that of the last Forward, ready that of the gradients that
	// variables hold.
	program, ready *Program
	variables      []Variable
	// shared are gradients of several variables in one place: each but the first
	// is copied to a place of its own.
	shared      []sharing
	results     []*tensor.Tensor
	seed, steps uint64
}

type sharing struct{ own, of []float32 }

// NewTrainer readies a model for training; it must stay open, and is not
// changed. Initializers behind Identity nodes are trained as one, and running
// statistics behind them are refused: pass.Trainable parts them. The error is an
// *Unsupported where the engine lacks operators; nodes without a derivative are
// found by the first step.
func NewTrainer(m *onnx.Model, o TrainOptions) (*Trainer, error) {
	g, err := graph.Import(m)
	if err != nil {
		return nil, err
	}
	if err := supported(g); err != nil {
		return nil, err
	}
	target, err := targetOf(g, o.Output)
	if err != nil {
		return nil, err
	}
	c, err := candidates(g, g.Outputs[target], o.Variables)
	if err != nil {
		return nil, err
	}
	s := newSession(g, kernel.NewPool(o.Threads), Options{MemoryLimit: o.MemoryLimit, Seed: o.Seed})
	s.train, s.target, s.most, s.memory = true, target, mostTrained, new(store)
	s.variables, s.running, s.weights = c.variables, c.running, map[string]*tensor.Tensor{}
	eval := s.child(g)
	eval.variables, eval.running, eval.weights = s.variables, s.running, s.weights
	eval.most, eval.memory = mostTrained, s.memory
	t := &Trainer{model: m, train: s, eval: eval, seed: o.Seed}
	if err := t.take(g); err != nil {
		s.Close()
		return nil, err
	}
	if len(t.variables) == 0 {
		s.Close()
		return nil, fmt.Errorf("output %s depends on no variable", g.Outputs[target].Name)
	}
	return t, nil
}

// mostTrained is the number of programs that training keeps: for whole batches
// and for what is left at the end.
const mostTrained = 2

// targetOf is the number of an output.
func targetOf(g *graph.Graph, name string) (int, error) {
	for i, v := range g.Outputs {
		if name == "" || v.Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("there is no output %q", name)
}

// take makes the weights, in the order of the model.
func (t *Trainer) take(g *graph.Graph) error {
	for _, v := range g.Values {
		if !t.train.changes(v.Name) {
			continue
		}
		w, err := t.train.variable(v)
		if err != nil {
			return fmt.Errorf("initializer %s: %w", v.Name, err)
		}
		if t.train.variables[v.Name] {
			t.variables = append(t.variables, Variable{Name: v.Name, Shape: w.Shape, Value: w.Float32s()})
		}
	}
	return nil
}

// Close ends the trainer's threads.
func (t *Trainer) Close() error { return t.train.Close() }

// Variables are what is trained, in the order of the model's initializers. The
// slice is the trainer's: Backward brings Grad up to date.
func (t *Trainer) Variables() []Variable { return t.variables }

// Inputs names what a step is given, in order.
func (t *Trainer) Inputs() []string {
	names := make([]string, len(t.train.graph.Inputs))
	for i, v := range t.train.graph.Inputs {
		names[i] = v.Name
	}
	return names
}

// Forward computes the outputs from the inputs, in the order of the model, as a
// training does: normalised by the statistics of the batch, which join the
// running ones, and with numbers dropped at random. The error of a model that
// cannot be differentiated names all nodes at fault and wraps ErrNoDerivative.
func (t *Trainer) Forward(inputs ...*tensor.Tensor) error {
	if t.train.last == nil || !t.train.last.takes(inputs) {
		if err := t.train.suit(inputs); err != nil {
			return err
		}
	}
	t.program = nil
	p, err := t.train.load(inputs)
	if err != nil {
		return err
	}
	seed := scramble(t.seed) ^ scramble(t.steps)
	t.train.source.Seed(seed, 1)
	p.draw(seed)
	t.steps++
	if err := p.Run(); err != nil {
		return err
	}
	t.program = p
	return nil
}

// Output is what the trained output holds after Forward, until the next or an
// Evaluate; nil where none went before.
func (t *Trainer) Output() *tensor.Tensor {
	if t.program == nil {
		return nil
	}
	return t.program.outputs[t.train.target].tensor
}

// Memory is the number of bytes that the steps of the last Forward, and of its
// Backward, work in; 0 where none went before. What is given and the variables are
// not part of it, the gradients are.
func (t *Trainer) Memory() int64 {
	if t.program == nil {
		return 0
	}
	return t.program.Memory
}

// Seed is the place for the gradient of Output, from which Backward starts; nil
// where no Forward went before.
func (t *Trainer) Seed() []float32 {
	if t.program == nil {
		return nil
	}
	return t.program.seed.tensor.Float32s()
}

// Backward computes the gradients of the variables from Seed. It must follow a
// Forward without error, with no Evaluate between, and may change what Seed
// holds.
func (t *Trainer) Backward() error {
	if t.program == nil {
		return errors.New("no Forward went before")
	}
	if err := t.program.back(); err != nil {
		return err
	}
	if t.ready != t.program {
		t.point()
	}
	for _, s := range t.shared {
		copy(s.own, s.of)
	}
	return nil
}

// point lets the variables have the gradients of the program.
func (t *Trainer) point() {
	t.ready, t.shared = t.program, nil
	taken := map[*float32]bool{}
	for i := range t.variables {
		v := &t.variables[i]
		v.Grad = nil
		slope := t.program.slopes[v.Name]
		if slope == nil {
			continue
		}
		v.Grad = slope.tensor.Float32s()
		if at := unsafe.SliceData(v.Grad); taken[at] {
			own := make([]float32, len(v.Grad))
			t.shared = append(t.shared, sharing{own, v.Grad})
			v.Grad = own
		} else {
			taken[at] = true
		}
	}
}

// Gradients is one step but for the optimiser's: Forward, the loss of Output
// against target, Backward. It returns the loss.
func (t *Trainer) Gradients(l loss.Loss, target *tensor.Tensor, inputs ...*tensor.Tensor) (float64, error) {
	if err := t.Forward(inputs...); err != nil {
		return 0, err
	}
	value, err := l.Value(t.Output(), target, t.Seed())
	if err != nil {
		return 0, err
	}
	return value, t.Backward()
}

// Evaluate computes the outputs as the model does when it is used: normalised by
// running statistics, with nothing dropped. They are valid until the next call.
func (t *Trainer) Evaluate(inputs ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	if t.eval.last == nil || !t.eval.last.takes(inputs) {
		if err := t.eval.suit(inputs); err != nil {
			return nil, err
		}
	}
	p, err := t.eval.load(inputs)
	if err != nil {
		return nil, err
	}
	if err := p.Run(); err != nil {
		return nil, err
	}
	t.results = t.results[:0]
	for _, out := range p.outputs {
		t.results = append(t.results, out.tensor)
	}
	return t.results, nil
}

// Export is a copy of the model with the weights as they are now; it is closed
// on its own.
func (t *Trainer) Export() *onnx.Model {
	m := t.model.Clone()
	for _, p := range m.Proto.GetGraph().GetInitializer() {
		if w := t.train.weights[p.GetName()]; w != nil {
			onnx.SetData(p, w.Clone().Data)
		}
	}
	return m
}

// State is what a training continues from, but for the optimiser's memory.
type State struct {
	// Steps is the number of steps so far, on which what is random depends.
	Steps uint64
	// Weights are the variables and the running statistics by name.
	Weights map[string]*tensor.Tensor
}

// State is the trainer's; the weights are shared with it, not copied.
func (t *Trainer) State() State { return State{t.steps, maps.Clone(t.train.weights)} }

// Restore continues from a state, whose weights it copies. It is an error, and
// changes nothing, if they are not those of this model.
func (t *Trainer) Restore(s State) error {
	for name, w := range t.train.weights {
		from := s.Weights[name]
		switch {
		case from == nil:
			return fmt.Errorf("the state has no %s", name)
		case from.DType != w.DType || !slices.Equal(from.Shape, w.Shape):
			return fmt.Errorf("%s is %v of shape %v in the state, not %v of %v", name, from.DType, from.Shape, w.DType, w.Shape)
		}
	}
	if len(s.Weights) != len(t.train.weights) {
		return fmt.Errorf("the state has %d weights, the model %d", len(s.Weights), len(t.train.weights))
	}
	for name, w := range t.train.weights {
		copy(w.Data, s.Weights[name].Data)
	}
	t.steps = s.Steps
	return nil
}
