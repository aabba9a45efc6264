package compact_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"onnxcompress/compress/compact"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/pass"
	"onnxcompress/internal/modelgen"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime/ort"
)

func TestMain(m *testing.M) { ortest.Main(m) }

const (
	// graphs is the number of random models of one run.
	graphs = 2400
	// tolerance is how far masked and compact may lie apart, relative to the
	// largest output.
	tolerance = 1e-4
)

// TestProperty holds the promise over random graphs and random cuts: the
// original with the groups' slices set to zero computes what the compact model
// computes. One seed is run again by -run 'Property/seed=123$'.
func TestProperty(t *testing.T) {
	var s survey
	t.Cleanup(func() { s.check(t) })
	for seed := range uint64(graphs) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			s.add(newTrial(t, modelgen.Model(seed), seed).run())
		})
	}
}

// survey sums up what a run has met, so that it cannot pass by having met
// nothing.
type survey struct {
	sync.Mutex
	trials, prunable int
	met              map[string]bool
}

func (s *survey) add(tr *trial) {
	s.Lock()
	defer s.Unlock()
	s.trials++
	if len(tr.graph.Groups) > 0 {
		s.prunable++
	}
	if s.met == nil {
		s.met = map[string]bool{}
	}
	for _, n := range tr.graph.Nodes {
		s.met[n.Proto.GetOpType()] = true
		if tr.cut.Cuts(n) {
			s.met["cut "+n.Proto.GetOpType()] = true
		}
	}
}

func (s *survey) check(t *testing.T) {
	if s.trials < graphs {
		return // one seed by itself, or failures that say enough
	}
	t.Logf("%d of %d graphs have groups", s.prunable, s.trials)
	if s.prunable*10 < s.trials*7 {
		t.Errorf("only %d of %d graphs have groups to remove", s.prunable, s.trials)
	}
	var missing, whole []string
	for _, name := range op.Names() {
		switch spec := op.Lookup("", name); {
		case spec == nil || spec.Links == nil || elsewhere[name]:
		case !s.met[name]:
			missing = append(missing, name)
		case !s.met["cut "+name]:
			whole = append(whole, name)
		}
	}
	slices.Sort(missing)
	slices.Sort(whole)
	if len(missing) > 0 {
		t.Errorf("no random graph has an operator of these: %v", missing)
	}
	t.Logf("operators that no cut went through: %v", whole)
}

// elsewhere are operators that random graphs cannot have, because onnxruntime
// does not run them on the CPU in the form that the newest opset gives them.
var elsewhere = map[string]bool{"CausalConvWithState": true, "Swish": true, "SwiGLU": true}

// trial is one cut through one model.
type trial struct {
	testing.TB
	rng   *rand.Rand
	model *onnx.Model
	graph *depgraph.Graph
	cut   *depgraph.Cut
}

func newTrial(t testing.TB, p *onnx.ModelProto, seed uint64) *trial {
	t.Helper()
	tr := &trial{TB: t, rng: rand.New(rand.NewPCG(seed, 0x637574))}
	tr.model, tr.graph = analyse(t, p)
	return tr
}

// analyse imports a model and finds its groups. Inference has nothing to
// complain of in a model that runs.
func analyse(t testing.TB, p *onnx.ModelProto) (*onnx.Model, *depgraph.Graph) {
	t.Helper()
	m := ortest.Model(t, p)
	g, err := graph.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	a := graph.Analyze(g, nil)
	for _, f := range []*graph.Facts{a.Nominal, a.Witness} {
		if err := errors.Join(f.Problems...); err != nil {
			t.Error(err)
		}
	}
	return m, depgraph.Build(a)
}

// run cuts groups at random and holds both models against each other.
func (tr *trial) run() *trial {
	tr.Helper()
	tr.cut = randomCut(tr.graph, tr.rng)
	tr.carryOut()
	return tr
}

// randomCut takes a single group, some, or nearly all, and leaves one of every
// family.
func randomCut(g *depgraph.Graph, rng *rand.Rand) *depgraph.Cut {
	cut := g.NewCut()
	share := []float64{0, 0.1, 0.3, 0.5, 0.7, 0.95}[rng.IntN(6)]
	want := max(1, int(share*float64(len(g.Groups))))
	for _, group := range rng.Perm(len(g.Groups)) {
		if cut.Len == want {
			break
		}
		last := slices.ContainsFunc(g.Groups[group].Families, func(f int) bool { return cut.Kept(f) < 2 })
		if !last {
			cut.Add(group)
		}
	}
	return cut
}

// carryOut makes the masked and the compact model of the cut and checks all
// that is promised of them.
func (tr *trial) carryOut() {
	tr.Helper()
	masked, err := compact.Mask(tr.model, tr.graph, tr.cut)
	if err != nil {
		tr.Fatal(err)
	}
	small, err := compact.Model(tr.graph, tr.cut, nil)
	if err != nil {
		tr.Fatalf("%d of %d groups: %v", tr.cut.Len, len(tr.graph.Groups), err)
	}
	tr.keep(masked, small)
	tr.onlyZeros(masked)
	tr.smaller(small)
	if tr.rng.IntN(2) == 0 {
		// What is written is simplified first.
		if err := pass.Run(small, pass.Simplify()...); err != nil {
			tr.Fatal(err)
		}
		tr.sameInterface(small)
	}
	tr.same(masked, small)
}

// keep writes the models to where $PROPERTY_KEEP says, to look at a failure.
func (tr *trial) keep(masked, small *onnx.Model) {
	dir := os.Getenv("PROPERTY_KEEP")
	if dir == "" {
		return
	}
	for name, m := range map[string]*onnx.Model{"original": tr.model, "masked": masked, "compact": small} {
		if err := m.Save(dir + "/" + name + ".onnx"); err != nil {
			tr.Fatal(err)
		}
	}
}

// same runs both models. Rounding differs between them, and where an operator
// jumps that may show: such a model must agree on most batches, others on all.
func (tr *trial) same(masked, small *onnx.Model) {
	tr.Helper()
	a, err := ortest.Open(tr.TempDir(), masked.Proto)
	if err != nil {
		tr.Fatalf("masked: %v", err)
	}
	defer a.Close()
	b, err := ortest.Open(tr.TempDir(), small.Proto)
	if err != nil {
		tr.Fatalf("compact: %v", err)
	}
	defer b.Close()
	wrong := tr.compare(a, b)
	if wrong == "" {
		return
	}
	if tr.jumps() && tr.compare(a, b) == "" && tr.compare(a, b) == "" {
		return
	}
	tr.Errorf("%d of %d groups: %s", tr.cut.Len, len(tr.graph.Groups), wrong)
}

// compare runs both models on one batch and says what differs.
func (tr *trial) compare(a, b *ort.Session) string {
	tr.Helper()
	in, err := ortest.Inputs(a, tr.rng)
	if err != nil {
		tr.Fatal(err)
	}
	x, err := a.Run(in)
	if err != nil {
		tr.Fatalf("masked: %v", err)
	}
	y, err := b.Run(in)
	if err != nil {
		tr.Fatalf("compact: %v", err)
	}
	for name := range x {
		if e := ort.CompareTensors(name, x[name], y[name]); e.RelError > tolerance {
			return fmt.Sprintf("output %s differs by %.2g", name, e.RelError)
		}
	}
	return ""
}

// jumping are operators whose results change abruptly with their input.
var jumping = map[string]bool{
	"Floor": true, "Ceil": true, "Round": true, "Sign": true, "ThresholdedRelu": true, "QuantizeLinear": true,
	"DynamicQuantizeLinear": true, "Greater": true, "Less": true, "GreaterOrEqual": true, "LessOrEqual": true,
	"Equal": true, "ArgMax": true, "ArgMin": true, "TopK": true, "Hardmax": true, "Mod": true, "MaxUnpool": true,
	"Shrink": true, "Cast": true,
}

func (tr *trial) jumps() bool {
	return slices.ContainsFunc(tr.graph.Nodes, func(n *graph.Node) bool { return jumping[n.Proto.GetOpType()] })
}
