package compress

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"onnxcompress/depgraph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// Scores rate every group of a graph, by its number: the lower, the less the
// model loses with it.
type Scores []float64

// Random scores groups at random; the same seed gives the same scores.
func Random(g *depgraph.Graph, seed int64) Scores {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x9e3779b97f4a7c15))
	s := make(Scores, len(g.Groups))
	for i := range s {
		s[i] = rng.Float64()
	}
	return s
}

// Magnitude scores a group by the root mean square of its weights (norm 2) or
// the mean of their absolute values (norm 1), relative to its family: layers
// differ in scale, and not for being of use.
func Magnitude(g *depgraph.Graph, norm int) (Scores, error) {
	sums, counts := make(Scores, len(g.Groups)), make([]float64, len(g.Groups))
	var mu sync.Mutex
	err := parallel(len(g.Weights), func(i int) error {
		w := g.Weights[i]
		shape := g.Witness.Values[w.Value.ID].Shape
		if !matrix(shape) || w.Follow {
			return nil
		}
		t, err := g.Witness.Tensor(w.Value)
		if err != nil {
			return err
		}
		for axis, d := range shape {
			if d < 2 || !g.Prunable(w.Node, op.In(w.Slot, axis)) {
				continue
			}
			norms := channelNorms(t, axis, norm)
			each := float64(t.Len()) / float64(d)
			mu.Lock()
			g.Spread(w.Node, op.In(w.Slot, axis), norms, func(group int, v float64) {
				sums[group] += v
				counts[group] += each
			})
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range sums {
		if counts[i] > 0 {
			sums[i] /= counts[i]
		}
		if norm == 2 {
			sums[i] = math.Sqrt(sums[i])
		}
	}
	relative(g, sums)
	return sums, nil
}

// matrix reports whether a shape has two axes or more that are not one.
func matrix(shape []int64) bool {
	wide := 0
	for _, d := range shape {
		if d > 1 {
			wide++
		}
	}
	return wide > 1
}

// relative makes scores of different families comparable: the score over the
// family's mean, drawn halfway towards its rank in the family. The mean alone
// would empty a layer of few large and many small channels.
func relative(g *depgraph.Graph, s Scores) {
	scaled := make(Scores, len(s))
	for _, f := range g.Families {
		mean := 0.0
		for _, group := range f.Groups {
			mean += s[group] / float64(len(f.Groups))
		}
		order := slices.Clone(f.Groups)
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s[a], s[b]) })
		for rank, group := range order {
			share := 2 * (float64(rank) + 0.5) / float64(len(order))
			if mean > 0 {
				scaled[group] = math.Sqrt(s[group] / mean * share)
			}
		}
	}
	copy(s, scaled)
}

// channelNorms sums squares (norm 2) or absolute values (norm 1) over each
// slice of t along axis.
func channelNorms(t *tensor.Tensor, axis, norm int) []float64 {
	sums := make([]float64, t.Shape[axis])
	inner := 1
	for _, d := range t.Shape[axis+1:] {
		inner *= int(d)
	}
	if t.DType == tensor.Float32 {
		channelNorms32(t.Float32s(), sums, inner, norm)
		return sums
	}
	for i, x := range t.AsFloat64s() {
		if norm == 2 {
			x *= x
		}
		sums[i/inner%len(sums)] += math.Abs(x)
	}
	return sums
}

func channelNorms32(v []float32, sums []float64, inner, norm int) {
	for at, c := 0, 0; at < len(v); at += inner {
		sum := 0.0
		if norm == 2 {
			for _, x := range v[at : at+inner] {
				sum += float64(x) * float64(x)
			}
		} else {
			for _, x := range v[at : at+inner] {
				sum += math.Abs(float64(x))
			}
		}
		sums[c] += sum
		if c++; c == len(sums) {
			c = 0
		}
	}
}

// parallel calls do for 0 to n-1 on all processors and returns the first
// error by index.
func parallel(n int, do func(i int) error) error {
	errs := make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
