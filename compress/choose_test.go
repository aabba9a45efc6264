package compress_test

import (
	"fmt"
	"math"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/internal/modelgen"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
)

// residual has families of 64, 64 and 16 groups.
const residual = `
input x N,3,16,16
a = Conv x w[64,3,3,3] w[64] ; pads=[1,1,1,1]
b = Relu a
c = Conv b w[64,64,3,3] w[64] ; pads=[1,1,1,1]
d = Relu c
e = Conv d w[64,64,3,3] ; pads=[1,1,1,1]
f = Add a e
g = Conv f w[16,64,1,1] w[16]
h = Relu g
y = Conv h w[4,16,1,1]
output y
`

func build(t *testing.T, p *onnx.ModelProto) *depgraph.Graph {
	t.Helper()
	return analysed(t, ortest.Model(t, p))
}

func analysed(t *testing.T, m *onnx.Model) *depgraph.Graph {
	t.Helper()
	g, err := graph.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	return depgraph.Build(graph.Analyze(g, nil))
}

func text(t *testing.T) *depgraph.Graph {
	t.Helper()
	p, err := modeltext.Parse(residual, 17, 1)
	if err != nil {
		t.Fatal(err)
	}
	return build(t, p)
}

// TestSizeIsThatOfTheModel: what a choice is said to cost is what the compact
// model costs, whatever went.
func TestSizeIsThatOfTheModel(t *testing.T) {
	tried := 0
	for seed := range uint64(150) {
		whole := build(t, modelgen.Model(seed))
		live, err := compact.Model(whole, whole.NewCut(), nil)
		if err != nil {
			t.Fatal(err)
		}
		g := analysed(t, live) // without nodes that no output needs
		for i, share := range []float64{0.2, 0.5} {
			target := compress.Target{Measure: compress.Sparsity, Value: share}
			c := compress.Choose(g, compress.Random(g, int64(i)), target, compress.Limits{RoundTo: 1})
			if c.Cut.Len == 0 {
				continue
			}
			small, err := compact.Model(g, c.Cut, nil)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			tried++
			if got := compress.SizeOf(analysed(t, small)); got.MACs != c.Size.MACs {
				t.Errorf("seed %d without %d groups: %d MACs, foreseen were %d", seed, c.Cut.Len, got.MACs, c.Size.MACs)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d cuts were tried", tried)
	}
}

func TestTargetsAreMet(t *testing.T) {
	g := text(t)
	full := compress.SizeOf(g)
	scores, err := compress.Magnitude(g, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		measure compress.Measure
		whole   float64
		of      func(compress.Size) float64
	}{
		{compress.MACs, float64(full.MACs), func(s compress.Size) float64 { return float64(s.MACs) }},
		{compress.Params, float64(full.Params), func(s compress.Size) float64 { return float64(s.Params) }},
		{compress.Bytes, float64(full.Bytes), func(s compress.Size) float64 { return float64(s.Bytes) }},
	} {
		for _, share := range []float64{0.9, 0.75, 0.5, 0.25, 0.1} {
			for _, round := range []int{1, 8} {
				choice := compress.Choose(g, scores, compress.Target{Measure: c.measure, Value: share * c.whole}, compress.Limits{RoundTo: round, MinKept: 0.05})
				if got := c.of(choice.Size) / c.whole; !choice.Met || math.Abs(got-share) > compress.Tolerance+1e-9 {
					t.Errorf("measure %d, rounded to %d: %.3f remains where %.3f was asked for, met: %v", c.measure, round, got, share, choice.Met)
				}
			}
		}
	}
}

func TestLimitsHold(t *testing.T) {
	g := text(t)
	scores, err := compress.Magnitude(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	kept := func(c compress.Choice) string {
		var list []int64
		for f := range g.Families {
			list = append(list, c.Cut.Kept(f))
		}
		return fmt.Sprint(list)
	}
	nothing := compress.Target{Measure: compress.MACs}
	c := compress.Choose(g, scores, nothing, compress.Limits{RoundTo: 1})
	if got := kept(c); got != "[1 1 1]" {
		t.Errorf("without a minimum %s stay of the families", got)
	}
	c = compress.Choose(g, scores, nothing, compress.Limits{RoundTo: 1, MinKept: 0.25})
	if got := kept(c); got != "[16 16 4]" {
		t.Errorf("of families with a minimum of a quarter %s stay", got)
	}
	whole := map[int]bool{}
	for _, group := range g.Families[0].Groups {
		whole[group] = true
	}
	c = compress.Choose(g, scores, nothing, compress.Limits{RoundTo: 1, Keep: whole})
	if got := kept(c); got != "[64 1 1]" {
		t.Errorf("with the first family kept %s stay", got)
	}
	half := compress.Target{Measure: compress.MACs, Value: float64(compress.SizeOf(g).MACs) / 2}
	c = compress.Choose(g, scores, half, compress.Limits{RoundTo: 8})
	for f, family := range g.Families {
		round := int64(c.RoundTo)
		if len(family.Groups) < 32 {
			round = min(round, 2)
		}
		if round < 4 && len(family.Groups) == 64 || c.Cut.Kept(f)%round != 0 {
			t.Errorf("%d of %d groups stay, no multiple of %d", c.Cut.Kept(f), len(family.Groups), round)
		}
	}
}

func TestRandomFollowsTheSeed(t *testing.T) {
	g := text(t)
	a, b, c := compress.Random(g, 1), compress.Random(g, 1), compress.Random(g, 2)
	if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) == fmt.Sprint(c) {
		t.Error("scores do not follow from the seed")
	}
}

// TestGone holds that what has gone already stays gone, and counts.
func TestGone(t *testing.T) {
	g := text(t)
	scores := compress.Random(g, 1)
	target := compress.Target{Measure: compress.MACs, Value: 0.6 * float64(compress.SizeOf(g).MACs)}
	first := compress.Choose(g, scores, target, compress.Limits{RoundTo: 8})
	target.Value /= 2
	second := compress.Choose(g, compress.Random(g, 2), target, compress.Limits{RoundTo: 8, Gone: first.Cut})
	for group := range g.Groups {
		if first.Cut.Has(group) && !second.Cut.Has(group) {
			t.Errorf("group %d is back", group)
		}
	}
	if !second.Met {
		t.Errorf("%g remain, want %g", second.Reached, target.Value)
	}
}
