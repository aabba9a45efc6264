package compress

import (
	"cmp"
	"encoding/binary"
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
	Relative(g, sums)
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

// Relative makes scores of different families comparable: the score over the
// family's mean, drawn halfway towards its rank in the family. The mean alone
// would empty a layer of few large and many small channels.
func Relative(g *depgraph.Graph, s Scores) {
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
		channelNorms32(t.Data, sums, inner, norm)
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

// block is how many numbers one goroutine sums at a time.
const block = 1 << 22

// channelNorms32 reads float32 numbers where they lie: in a mapped file they
// need not be aligned, and a copy would double the memory of a run. Blocks of
// whole runs are summed apart and added in order, so that the result does not
// depend on the number of processors.
func channelNorms32(data []byte, sums []float64, inner, norm int) {
	runs := len(data) / (4 * inner)
	each := max(block/inner, 1)
	parts := make([][]float64, (runs+each-1)/each)
	_ = parallel(len(parts), func(i int) error {
		first, last := i*each, min((i+1)*each, runs)
		parts[i] = make([]float64, min(len(sums), last-first))
		part := data[4*inner*first : 4*inner*last]
		if inner == 1 {
			addEach(part, parts[i], norm)
			return nil
		}
		for c := 0; len(part) > 0; part = part[4*inner:] {
			if norm == 2 {
				parts[i][c] += sumSquares(part[:4*inner])
			} else {
				parts[i][c] += sumAbs(part[:4*inner])
			}
			if c++; c == len(sums) {
				c = 0
			}
		}
		return nil
	})
	for i, part := range parts {
		for c, x := range part {
			sums[(i*each+c)%len(sums)] += x
		}
	}
}

// addEach adds every number to the sum of its own channel.
func addEach(b []byte, sums []float64, norm int) {
	for c := 0; len(b) > 0; b = b[4:] {
		x := float32At(b)
		if norm == 2 {
			x *= x
		}
		sums[c] += math.Abs(x)
		if c++; c == len(sums) {
			c = 0
		}
	}
}

func float32At(b []byte) float64 {
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

// sumSquares adds in four chains, which the processor works on at once.
func sumSquares(b []byte) float64 {
	var s0, s1, s2, s3 float64
	for ; len(b) >= 16; b = b[16:] {
		x0, x1, x2, x3 := float32At(b), float32At(b[4:]), float32At(b[8:]), float32At(b[12:])
		s0 += x0 * x0
		s1 += x1 * x1
		s2 += x2 * x2
		s3 += x3 * x3
	}
	for ; len(b) >= 4; b = b[4:] {
		x := float32At(b)
		s0 += x * x
	}
	return s0 + s1 + s2 + s3
}

func sumAbs(b []byte) float64 {
	sum := 0.0
	for ; len(b) >= 4; b = b[4:] {
		sum += math.Abs(float32At(b))
	}
	return sum
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
