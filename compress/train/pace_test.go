package train_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/runtime"
)

// TestFade holds that what fades loses the same in each step, and is zero after
// the last.
func TestFade(t *testing.T) {
	for _, c := range []struct{ first, last int }{{0, 0}, {0, 1}, {3, 12}, {7, 6}} {
		left, steps := 1.0, max(c.last-c.first+1, 1)
		for i := range steps {
			left *= train.Fade(c.first+i, c.first, c.last)
			if want := 1 - float64(i+1)/float64(steps); math.Abs(left-want) > 1e-12 {
				t.Errorf("%+v: %v is left after %d steps, want %v", c, left, i+1, want)
			}
		}
		if left != 0 {
			t.Errorf("%+v: %v is left", c, left)
		}
	}
}

func TestAt(t *testing.T) {
	for _, c := range []struct {
		share       float64
		total, want int
	}{{0, 10, 0}, {0.5, 10, 5}, {0.55, 10, 5}, {1, 10, 9}, {2, 10, 9}, {0.5, 1, 0}, {-1, 10, 0}} {
		if got := (&train.Step{Total: c.total}).At(c.share); got != c.want {
			t.Errorf("%v of %d steps is step %d, want %d", c.share, c.total, got, c.want)
		}
	}
}

// TestSides holds that the sides of groups make up the whole, that what is a
// group's own is what makes it where there is such a thing, and that neither
// sums nor counts depend on whether the net has shrunk.
func TestSides(t *testing.T) {
	n := open(t, digits, train.Preparation{BatchNorms: true, Batches: noise(4), Threads: 1})
	n.Remove(nil, half(n.Graph)...)
	var sums [2]map[train.Side][]float64
	for i := range sums {
		values := n.Values()
		sums[i] = map[train.Side][]float64{}
		for _, side := range []train.Side{train.Both, train.Makes, train.Reads, train.Own} {
			sums[i][side] = n.Dot(values, values, side)
			for g, count := range n.Elements(side) {
				sums[i][side] = append(sums[i][side], float64(count))
				if n.Gone(g) != (count == 0) && side != train.Reads {
					t.Errorf("group %d, gone: %v, has %d elements on side %d", g, n.Gone(g), count, side)
				}
			}
		}
		if err := n.Shrink(&optim.SGD{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for side, list := range sums[0] {
		if !slices.EqualFunc(list, sums[1][side], func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(a) }) {
			t.Errorf("side %d: %v before and %v after shrinking", side, list, sums[1][side])
		}
	}
	for g, both := range sums[0][train.Both] {
		makes, reads, own := sums[0][train.Makes][g], sums[0][train.Reads][g], sums[0][train.Own][g]
		if math.Abs(both-makes-reads) > 1e-9*both {
			t.Errorf("group %d has %v in all, %v that make and %v that read", g, both, makes, reads)
		}
		want := makes
		if makes == 0 {
			want = reads
		}
		if own != want {
			t.Errorf("group %d has %v of its own, want %v", g, own, want)
		}
	}
}

// TestShrinkHeard holds that a group whose channels are not zero when its weights
// are leaves step by step, and not all at the last.
func TestShrinkHeard(t *testing.T) {
	for _, c := range []struct {
		name, text string
		heard      bool
	}{
		{"sigmoid", "input x N,16\n a = Gemm x w[16,12] w[12]\n s = Sigmoid a\n y = Gemm s w[12,4] w[4]\n output y", true},
		{"relu", "input x N,16\n a = Gemm x w[16,12] w[12]\n s = Relu a\n y = Gemm s w[12,4] w[4]\n output y", false},
		{"cosine", "input x N,16\n a = Gemm x w[16,12]\n s = Cos a\n y = MatMul s w[12,4]\n output y", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := modeltext.Parse(c.text, 17, 3)
			if err != nil {
				t.Fatal(err)
			}
			own, err := train.Prepare(ortest.Model(t, p), train.Preparation{})
			if err != nil {
				t.Fatal(err)
			}
			n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			if got := slices.ContainsFunc(n.Slices(), func(s train.Slice) bool { return s.Heard }); got != c.heard {
				t.Errorf("heard: %v, want %v", got, c.heard)
			}
			groups := n.Graph.Families[0].Groups[:5]
			const steps = 10
			outputs := [][]float32{said(t, n)}
			for i := range steps {
				(&train.Step{Net: n}).Shrink(train.Fade(i, 0, steps-1), groups...)
				outputs = append(outputs, said(t, n))
			}
			if whole, last := distance(outputs[0], outputs[steps]), distance(outputs[steps-1], outputs[steps]); last > whole/3 {
				t.Errorf("the last of %d steps moves the outputs by %v, all of them by %v", steps, last, whole)
			}
		})
	}
}

func said(t *testing.T, n *train.Net) []float32 {
	t.Helper()
	out, err := n.Trainer().Evaluate(vector(rand.New(rand.NewPCG(9, 9))))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out[0].Float32s())
}

func distance(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Pow(float64(a[i]-b[i]), 2)
	}
	return math.Sqrt(sum)
}
