package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// partialSums is in how many pieces sums over rows are computed on several workers.
// Their number does not depend on how many there are, so that sums do not either.
const partialSums = 8

// rowSums adds up numbers of rows in partialSums: room for width numbers a piece,
// which add fills from rows lo to hi, and which are then joined.
type rowSums struct {
	rows, width int
	run         func(*Frame)
}

func newRowSums(rows, width int, add func(f *Frame, worker int, sums []float32, lo, hi int)) *rowSums {
	s := &rowSums{rows: rows, width: width}
	each := (rows + partialSums - 1) / partialSums
	var frame *Frame
	part := func(i, worker int) {
		sums := frame.Scratch[i*width : (i+1)*width]
		clear(sums)
		if lo, hi := min(i*each, rows), min((i+1)*each, rows); lo < hi {
			add(frame, worker, sums, lo, hi)
		}
	}
	s.run = func(f *Frame) {
		frame = f
		f.Pool.Run(partialSums, part)
		frame = nil
		for i := 1; i < partialSums; i++ {
			kernel.Add(f.Scratch[:width], f.Scratch[:width], f.Scratch[i*width:(i+1)*width])
		}
	}
	return s
}

// scratch is the working memory that the sums want.
func (s *rowSums) scratch() int { return partialSums * s.width }

// channelNorm normalises columns: channels last.
type channelNorm struct {
	rows, cols int
	eps        float32
	momentum   float32
	train      bool
	// relu and residual are the tail; what is added is input extra.
	relu, residual bool
	extra          int
}

// tailsBatchNorm: in training, by channels last.
func tailsBatchNorm(n *Node) TailKind {
	return TailKind{Residual: n.Train, Relu: n.Train}
}

// compileBatchNorm: in training the running statistics move towards the batch's,
// weighted by one less the momentum.
func compileBatchNorm(n *Node) (*Routine, error) {
	x := n.In[0].Shape
	plain := !n.Last && len(x) != 2
	if plain || !floats(n, 0, 1, 2, 3, 4) || product(x) == 0 || n.Version < 9 && n.Attrs.Int("spatial", 1) == 0 {
		return nil, nil
	}
	for _, out := range n.Out[1:] {
		if out != nil {
			return nil, nil
		}
	}
	b := &channelNorm{
		cols: int(x[1]), rows: int(product(x) / x[1]),
		eps: n.Attrs.Float("epsilon", 1e-5), momentum: n.Attrs.Float("momentum", 0.9),
	}
	if b.train = n.Train; b.train {
		if n.Tail != nil {
			b.relu, b.residual = n.Tail.Relu, n.Tail.Residual
		}
		b.extra = len(n.In)
		return b.training(), nil
	}
	if n.Attrs.Int("training_mode", 0) != 0 {
		return nil, nil
	}
	return b.fixed(), nil
}

func layoutBatchNorm(n *Node) (Layout, bool) {
	return Layout{In: []int{0}, Prefers: true}, n.In[0].Known && n.In[0].Rank() > 2
}

// fixed normalises by stored statistics.
func (b *channelNorm) fixed() *Routine {
	c := b.cols
	apply := shared(b.rows, c, func(f *Frame, _, lo, hi int) {
		kernel.ScaleShiftRows(f.Y(0)[lo*c:hi*c], f.X(0)[lo*c:hi*c], f.Scratch[:c], f.Scratch[c:2*c])
	})
	slopes := newRowSums(b.rows, 2*c, func(f *Frame, _ int, sums []float32, lo, hi int) {
		kernel.GradSumsRows(sums[:c], sums[c:], f.DOut[0].Float32s()[lo*c:hi*c], f.X(0)[lo*c:hi*c], f.X(3))
	})
	back := shared(b.rows, c, func(f *Frame, _, lo, hi int) {
		kernel.MulRows(f.DIn[0].Float32s()[lo*c:hi*c], f.DOut[0].Float32s()[lo*c:hi*c], f.Scratch[:c])
	})
	return &Routine{
		KeepIn: []int{0, 1, 3, 4}, InPlace: []int{0}, Scratch: max(2*c, slopes.scratch()),
		Forward: func(f *Frame) {
			b.coefficients(f)
			for i := range c {
				f.Scratch[c+i] = f.X(2)[i] - f.X(3)[i]*f.Scratch[i]
			}
			apply(f)
		},
		Backward: func(f *Frame) {
			if f.DIn[1] != nil || f.DIn[2] != nil {
				slopes.run(f)
				product := f.Scratch[c : 2*c]
				for i, v := range f.X(4) {
					product[i] /= sqrt(v + b.eps)
				}
				scaleSlopes(f, f.Scratch[:c], product)
			}
			if f.DIn[0] != nil {
				b.coefficients(f)
				back(f)
			}
		},
	}
}

// coefficients sets scratch to scale/√(var+ε).
func (b *channelNorm) coefficients(f *Frame) {
	scale, variance := f.X(1), f.X(4)
	for i := range b.cols {
		f.Scratch[i] = scale[i] / sqrt(variance[i]+b.eps)
	}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// scaleSlopes hands the sums of dy and of dy times what was normalised to the
// gradients of shift and scale.
func scaleSlopes(f *Frame, sum, product []float32) {
	if d := f.DIn[1]; d != nil {
		copy(d.Float32s(), product)
	}
	if d := f.DIn[2]; d != nil {
		copy(d.Float32s(), sum)
	}
}

// training normalises by the batch's statistics. State holds their mean and
// inverse deviation.
func (b *channelNorm) training() *Routine {
	c, n := b.cols, float32(b.rows)
	moments := newRowSums(b.rows, 2*c, func(f *Frame, _ int, sums []float32, lo, hi int) {
		kernel.MomentsRows(sums[:c], sums[c:], f.X(0)[lo*c:hi*c], f.X(0)[:c])
	})
	apply := shared(b.rows, c, func(f *Frame, _, lo, hi int) {
		y, x, scale, shift := f.Y(0)[lo*c:hi*c], f.X(0)[lo*c:hi*c], f.Scratch[:c], f.Scratch[c:2*c]
		switch {
		case b.residual && b.relu:
			kernel.ScaleShiftAddReluRows(y, x, f.X(b.extra)[lo*c:hi*c], scale, shift)
		case b.residual:
			kernel.ScaleShiftAddRows(y, x, f.X(b.extra)[lo*c:hi*c], scale, shift)
		case b.relu:
			kernel.ScaleShiftReluRows(y, x, scale, shift)
		default:
			kernel.ScaleShiftRows(y, x, scale, shift)
		}
	})
	slopes := newRowSums(b.rows, 2*c, func(f *Frame, _ int, sums []float32, lo, hi int) {
		dy, x := f.DOut[0].Float32s()[lo*c:hi*c], f.X(0)[lo*c:hi*c]
		if b.relu {
			kernel.GradSumsReluRows(sums[:c], sums[c:], dy, x, f.Y(0)[lo*c:hi*c], f.State[:c])
			return
		}
		kernel.GradSumsRows(sums[:c], sums[c:], dy, x, f.State[:c])
	})
	back := shared(b.rows, c, func(f *Frame, _, lo, hi int) {
		s := f.Scratch[2*c:]
		dx, dy, x := f.DIn[0].Float32s()[lo*c:hi*c], f.DOut[0].Float32s()[lo*c:hi*c], f.X(0)[lo*c:hi*c]
		if b.relu {
			kernel.NormGradReluRows(dx, dy, x, f.Y(0)[lo*c:hi*c], s[:c], s[c:2*c], s[2*c:3*c])
			return
		}
		kernel.NormGradRows(dx, dy, x, s[:c], s[c:2*c], s[2*c:3*c])
	})
	beside := shared(b.rows, c, func(f *Frame, _, lo, hi int) {
		kernel.ReluGrad(f.DIn[b.extra].Float32s()[lo*c:hi*c], f.DOut[0].Float32s()[lo*c:hi*c], f.Y(0)[lo*c:hi*c])
	})
	r := b.trainingRoutine(n, moments, slopes, apply, back, beside)
	if b.relu {
		r.KeepOut = []int{0}
	} else if b.residual {
		r.Pass = []int{b.extra}
	}
	return r
}

// trainingRoutine puts the passes over the data together.
func (b *channelNorm) trainingRoutine(n float32, moments, slopes *rowSums, apply, back, beside func(*Frame)) *Routine {
	c := b.cols
	return &Routine{
		KeepIn: []int{0, 1}, Scratch: max(moments.scratch(), 5*c), State: 2 * c,
		Forward: func(f *Frame) {
			moments.run(f)
			b.settle(f, n)
			apply(f)
		},
		Backward: func(f *Frame) {
			slopes.run(f)
			mean, inv := f.State[:c], f.State[c:2*c]
			sum, product := f.Scratch[:c], f.Scratch[c:2*c]
			kernel.Mul(product, product, inv)
			scaleSlopes(f, sum, product)
			if b.residual && b.relu && f.DIn[b.extra] != nil {
				beside(f)
			}
			if f.DIn[0] == nil {
				return
			}
			s := f.Scratch[2*c : 5*c]
			for i, scale := range f.X(1) {
				s[i] = scale * inv[i]
				s[c+i] = -s[i] * inv[i] * product[i] / n
				s[2*c+i] = -s[i]*sum[i]/n - s[c+i]*mean[i]
			}
			back(f)
		},
	}
}

// settle turns the sums about the first row into statistics, moves the stored
// ones, and leaves scale and shift in scratch.
func (b *channelNorm) settle(f *Frame, n float32) {
	c := b.cols
	mean, inv := f.State[:c], f.State[c:2*c]
	runningMean, runningVar := f.X(3), f.X(4)
	for i, x0 := range f.X(0)[:c] {
		about := f.Scratch[i] / n
		variance := max(f.Scratch[c+i]/n-about*about, 0)
		if f.Scratch[c+i] != f.Scratch[c+i] {
			variance = f.Scratch[c+i]
		}
		mean[i], inv[i] = x0+about, 1/sqrt(variance+b.eps)
		if !f.Again {
			runningMean[i] = b.momentum*runningMean[i] + (1-b.momentum)*mean[i]
			runningVar[i] = b.momentum*runningVar[i] + (1-b.momentum)*variance
		}
		f.Scratch[i] = f.X(1)[i] * inv[i]
		f.Scratch[c+i] = f.X(2)[i] - mean[i]*f.Scratch[i]
	}
}

// compileLayerNorm: rows are what is normalised together.
func compileLayerNorm(n *Node) (*Routine, error) {
	x := n.In[0].Shape
	first, err := firstNormalised(n)
	if err != nil {
		return nil, err
	}
	cols := product(x[first:])
	if !floats(n, 0, 1) || product(x) == 0 || len(n.Out) > 1 || product(n.In[1].Shape) != cols || n.Has(2) && (!floats(n, 2) || product(n.In[2].Shape) != cols) {
		return nil, nil
	}
	l := &layerNorm{rows: int(product(x) / cols), cols: int(cols), eps: n.Attrs.Float("epsilon", 1e-5), shift: n.Has(2)}
	return l.routine(), nil
}

type layerNorm struct {
	rows, cols int
	eps        float32
	shift      bool
}

func (l *layerNorm) routine() *Routine {
	c := l.cols
	mean := func(f *Frame, lo, hi int) []float32 { return f.State[lo:hi] }
	inv := func(f *Frame, lo, hi int) []float32 { return f.State[l.rows+lo : l.rows+hi] }
	back := newRowSums(l.rows, 2*c, func(f *Frame, worker int, sums []float32, lo, hi int) {
		var dx []float32
		if f.DIn[0] != nil {
			dx = f.DIn[0].Float32s()[lo*c : hi*c]
		} else {
			dx = f.Pool.Scratch(worker, (hi-lo)*c)
		}
		kernel.LayerNormGrad(dx, f.DOut[0].Float32s()[lo*c:hi*c], f.X(0)[lo*c:hi*c], f.X(1), mean(f, lo, hi), inv(f, lo, hi), sums[:c], sums[c:])
	})
	return &Routine{
		KeepIn: []int{0, 1}, State: 2 * l.rows, Scratch: back.scratch(),
		Forward: shared(l.rows, 2*c, func(f *Frame, _, lo, hi int) {
			var bias []float32
			if l.shift {
				bias = f.X(2)
			}
			kernel.LayerNorm(f.Y(0)[lo*c:hi*c], f.X(0)[lo*c:hi*c], f.X(1), bias, mean(f, lo, hi), inv(f, lo, hi), l.eps)
		}),
		Backward: func(f *Frame) {
			back.run(f)
			if f.DIn[1] != nil {
				copy(f.DIn[1].Float32s(), f.Scratch[:c])
			}
			if l.shift && f.DIn[2] != nil {
				copy(f.DIn[2].Float32s(), f.Scratch[c:2*c])
			}
		},
	}
}
