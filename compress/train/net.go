package train

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/optim"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// ErrUntraceable is the error of Shrink where the compact model holds constants
// that are computed from trained weights.
var ErrUntraceable = errors.New("the compact model has constants that are computed from weights")

// Net is a model in training and in compression. Groups have the numbers that
// Graph gives them, whatever has gone.
type Net struct {
	Graph *depgraph.Graph

	options runtime.TrainOptions
	layers  []layer
	// full are the weights and running statistics of the full model; those that
	// the compact model holds are there, and brought here by sync. Among them are
	// the still ones.
	full map[string]*tensor.Tensor
	// trained are the variables of the full model, still the initializers that hold
	// slices of groups and are none: what the trained output does not depend on, or
	// a trainer does not move.
	trained, still map[string]bool
	// moved tells which groups have elements in variables of the full model.
	moved []bool

	// gone are the groups that are zero, cut those that the compact model lacks.
	gone, cut *depgraph.Cut
	compact   *onnx.Model
	origins   map[string]compact.Origin
	trainer   *runtime.Trainer
	slices    []Slice

	limits compress.Limits
	// stuck are groups that no compact model can do without.
	stuck map[int]bool
}

// NewNet readies a model that Prepare has made. shapes are whole shapes of inputs
// by name. The net owns the model; where it fails, the model is closed.
func NewNet(m *onnx.Model, shapes map[string][]int64, o runtime.TrainOptions) (*Net, error) {
	n, err := newNet(m, shapes, o)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return n, nil
}

func newNet(m *onnx.Model, shapes map[string][]int64, o runtime.TrainOptions) (*Net, error) {
	g, err := graph.Import(m)
	if err != nil {
		return nil, err
	}
	dg := depgraph.Build(graph.Analyze(g, shapes))
	n := &Net{Graph: dg, options: o, layers: layersOf(dg), full: map[string]*tensor.Tensor{}, trained: map[string]bool{}, still: map[string]bool{}, stuck: map[int]bool{}}
	n.gone, n.cut = dg.NewCut(), dg.NewCut()
	n.compact = m
	n.trainer, err = runtime.NewTrainer(m, o)
	if err != nil {
		return nil, err
	}
	for name, t := range n.trainer.State().Weights {
		n.full[name] = t.Clone()
	}
	for _, v := range n.trainer.Variables() {
		n.trained[v.Name] = true
	}
	if err := n.hold(g); err != nil {
		return nil, errors.Join(err, n.trainer.Close())
	}
	n.lay()
	return n, nil
}

// Close gives the net and its model up.
func (n *Net) Close() error {
	err := n.trainer.Close()
	if n.compact != n.Graph.Model {
		err = errors.Join(err, n.compact.Close())
	}
	return errors.Join(err, n.Graph.Model.Close())
}

// Trainer trains the compact model as it is until the next Shrink.
func (n *Net) Trainer() *runtime.Trainer { return n.trainer }

// Variables are those of the compact model.
func (n *Net) Variables() []runtime.Variable { return n.trainer.Variables() }

// Slices tell where groups lie in the variables, until the next Shrink.
func (n *Net) Slices() []Slice { return n.slices }

// Gone reports whether a group is zero for good.
func (n *Net) Gone(group int) bool { return n.gone.Has(group) }

// Removed counts the groups that are zero for good.
func (n *Net) Removed() int { return n.gone.Len }

// Cut are the groups that are zero for good; it must not be changed.
func (n *Net) Cut() *depgraph.Cut { return n.gone }

// Pending reports whether groups are zero that the compact model still has.
func (n *Net) Pending() bool { return n.gone.Len != n.cut.Len }

// Remove sets groups to zero for good. Memory is what an optimiser keeps of the
// variables, nil for nothing; it forgets of the groups.
func (n *Net) Remove(memory []optim.Memory, groups ...int) {
	for _, g := range groups {
		n.gone.Add(g)
	}
	for i, v := range n.Variables() {
		n.silence(i, v.Value)
	}
	for i, m := range memory {
		for _, moment := range m.Moments {
			n.silence(i, moment)
		}
	}
}

// SilenceGradients clears the gradients of groups that are zero, lest they move.
func (n *Net) SilenceGradients() {
	if !n.Pending() {
		return
	}
	for i, v := range n.Variables() {
		if v.Grad != nil {
			n.silence(i, v.Grad)
		}
	}
}

// silence clears the elements of an array of the length of variable i that
// belong to groups that are gone.
func (n *Net) silence(i int, values []float32) {
	for k := range n.slices {
		if s := &n.slices[k]; s.Var == i {
			s.runs(len(values), func(group int32, lo, hi int) {
				if n.gone.Has(int(group)) {
					clear(values[lo:hi])
				}
			})
		}
	}
}

// lay finds the slices of the compact model.
func (n *Net) lay() {
	n.slices = nil
	for i, v := range n.Variables() {
		from := n.origin(v.Name)
		for k := range n.layers {
			if l := &n.layers[k]; l.name == from.Name {
				n.slices = append(n.slices, l.slice(i, from))
			}
		}
	}
}

// origin is where a weight of the compact model comes from.
func (n *Net) origin(name string) compact.Origin {
	if from, ok := n.origins[name]; ok {
		return from
	}
	return compact.Origin{Name: name}
}

// Statistics are the running statistics of the compact model by name, which move by
// themselves: not copies but what the trainer works with.
func (n *Net) Statistics() map[string]*tensor.Tensor {
	weights := n.trainer.State().Weights
	for _, v := range n.Variables() {
		delete(weights, v.Name)
	}
	return weights
}

// vector reports whether a variable has at most one axis that is longer than one
// in the full model, however little is left of it.
func (n *Net) vector(name string) bool {
	long := 0
	for _, d := range n.full[n.origin(name).Name].Shape {
		if d > 1 {
			long++
		}
	}
	return long < 2
}

// sync brings what the compact model holds to the full weights. What it lacks
// there is zero or, of running statistics, as it was last.
func (n *Net) sync() {
	for name, t := range n.trainer.State().Weights {
		from := n.origin(name)
		full := n.full[from.Name]
		if from.Kept == nil {
			copy(full.Data, t.Data)
			continue
		}
		dst, src := full.Float32s(), t.Float32s()
		if n.trained[from.Name] {
			clear(dst)
		}
		eachKept(full.Shape, from.Kept, func(at, to, run int) { copy(dst[at:at+run], src[to:to+run]) })
	}
}

// Full is the model at its full size with the weights as they are, the groups
// that are gone zero; it is closed on its own.
func (n *Net) Full() *onnx.Model {
	n.sync()
	n.quiet()
	return n.fill(n.Graph.Model.Clone(), nil)
}

// Model is the model that is trained, with the weights as they are; it is closed
// on its own.
func (n *Net) Model() *onnx.Model { return n.trainer.Export() }

// fill writes the full weights, or what origins keep of them, into a model.
func (n *Net) fill(m *onnx.Model, origins map[string]compact.Origin) *onnx.Model {
	for _, p := range m.Proto.GetGraph().GetInitializer() {
		from, cut := origins[p.GetName()]
		if !cut {
			from.Name = p.GetName()
		}
		full := n.full[from.Name]
		if full == nil {
			continue
		}
		data := slices.Clone(full.Data)
		if cut {
			data = gather(full, from.Kept)
		}
		onnx.SetData(p, data)
	}
	return m
}

// gather takes what is kept of a tensor.
func gather(full *tensor.Tensor, kept [][]int64) []byte {
	t, err := full.Take(kept)
	if err != nil {
		panic(err) // the cut is the graph's own
	}
	return t.Data
}

// Shrink makes the compact model of the groups that are left, and goes on with
// it. What the optimiser remembers is cut along with the weights, and so is what
// a method carries that is a Carrier. Where it fails, nothing has changed.
func (n *Net) Shrink(o optim.Optimiser, method Method) error {
	m, origins, err := compact.Trace(n.Graph, n.gone)
	if err != nil {
		return err
	}
	n.sync()
	if name := n.untraced(m, origins); name != "" {
		return errors.Join(fmt.Errorf("%s: %w", name, ErrUntraceable), m.Close())
	}
	n.quiet()
	n.fill(m, origins)
	trainer, err := runtime.NewTrainer(m, n.shrunk(origins))
	if err != nil {
		return errors.Join(err, m.Close())
	}
	if err := trainer.Restore(runtime.State{Steps: n.trainer.State().Steps, Weights: trainer.State().Weights}); err != nil {
		return errors.Join(err, trainer.Close(), m.Close())
	}
	next := n.succession(origins, trainer.Variables())
	memories := next.memories(o.Memories())
	if c, ok := method.(Carrier); ok {
		carried := c.Carried()
		for name, arrays := range carried {
			carried[name] = next.arrays(arrays)
		}
		defer c.Carry(carried)
	}
	old, model := n.trainer, n.compact
	n.trainer, n.compact, n.origins = trainer, m, origins
	n.cut = n.gone.Clone()
	n.lay()
	if memories != nil {
		o.Recall(memories)
	}
	err = old.Close()
	if model != n.Graph.Model {
		err = errors.Join(err, model.Close())
	}
	return err
}

// untraced names a constant of numbers of a compact model that is none of the
// full one's, and not made of a shape; empty where there is none.
func (n *Net) untraced(m *onnx.Model, origins map[string]compact.Origin) string {
	own := map[string]bool{}
	for _, p := range n.Graph.Model.Proto.GetGraph().GetInitializer() {
		own[p.GetName()] = true
	}
	for _, p := range m.Proto.GetGraph().GetInitializer() {
		_, cut := origins[p.GetName()]
		count := int64(1)
		for _, d := range p.GetDims() {
			count *= d
		}
		if !cut && !own[p.GetName()] && count > 1 && tensor.DType(p.GetDataType()).IsFloat() {
			return p.GetName()
		}
	}
	return ""
}

// shrunk are the options of a trainer of a compact model: its variables come from
// those of the full one, however few numbers are left of them.
func (n *Net) shrunk(origins map[string]compact.Origin) runtime.TrainOptions {
	o := n.options
	o.Variables = func(name string, _ *tensor.Tensor) bool {
		if from, ok := origins[name]; ok {
			name = from.Name
		}
		return n.trained[name]
	}
	return o
}

// state is the full model's for a trainer that has not shrunk.
func (n *Net) state(steps uint64) runtime.State {
	weights := maps.Clone(n.full)
	maps.DeleteFunc(weights, func(name string, _ *tensor.Tensor) bool { return n.still[name] })
	return runtime.State{Steps: steps, Weights: weights}
}
