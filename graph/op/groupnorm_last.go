package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// lastGroups is a groupNorm of channels that are last: rows of channels are summed
// column by column, in pieces of a sample, of which what a group needs follows.
type lastGroups struct {
	*groupNorm
	pieces, rows                     int // of a sample, of a piece
	take, apply, gradSums, gradApply func(*Frame)
}

func newLastGroups(g *groupNorm) *lastGroups {
	l := &lastGroups{groupNorm: g, pieces: 1}
	if g.batch < mostParts {
		l.pieces = max(min(mostParts/max(g.batch, 1), g.area*g.channels/enough, g.area), 1)
	}
	l.rows = (g.area + l.pieces - 1) / l.pieces
	l.pieces = (g.area + l.rows - 1) / l.rows
	units, cost := g.batch*l.pieces, l.rows*g.channels
	each := func(body func(f *Frame, unit int)) func(*Frame) {
		return shared(units, cost, func(f *Frame, _, lo, hi int) {
			for u := lo; u < hi; u++ {
				body(f, u)
			}
		})
	}
	l.take, l.apply, l.gradSums, l.gradApply = each(l.sumPiece), each(l.scalePiece), each(l.gradPiece), each(l.applyPiece)
	return l
}

// scratch is the sums of all samples' channels, three coefficients for each of
// them, and two sums for each piece.
func (l *lastGroups) scratch() int { return (5*l.batch + 2*l.batch*l.pieces) * l.channels }

// coefficients are the k-th of those of sample b.
func (l *lastGroups) coefficients(f *Frame, k, b int) []float32 {
	at := (2*l.batch + 3*b + k) * l.channels
	return f.Scratch[at : at+l.channels]
}

// partial are the two sums of a piece.
func (l *lastGroups) partial(f *Frame, unit int) (a, b []float32) {
	at, n := (5*l.batch+2*unit)*l.channels, l.channels
	return f.Scratch[at : at+n], f.Scratch[at+n : at+2*n]
}

// piece is the part of a list that belongs to a piece.
func (l *lastGroups) piece(x []float32, unit int) []float32 {
	b, k := unit/l.pieces, unit%l.pieces
	from, to := b*l.area+k*l.rows, b*l.area+min((k+1)*l.rows, l.area)
	return x[from*l.channels : to*l.channels]
}

// pivot is the first row of sample b, off which sums are taken.
func (l *lastGroups) pivot(f *Frame, b int) []float32 {
	return f.X(0)[b*l.area*l.channels:][:l.channels]
}

func (l *lastGroups) sumPiece(f *Frame, unit int) {
	sum, square := l.partial(f, unit)
	clear(sum)
	clear(square)
	kernel.MomentsRows(sum, square, l.piece(f.X(0), unit), l.pivot(f, unit/l.pieces))
}

func (l *lastGroups) scalePiece(f *Frame, unit int) {
	b := unit / l.pieces
	kernel.ScaleShiftRows(l.piece(f.Y(0), unit), l.piece(f.X(0), unit), l.coefficients(f, 0, b), l.coefficients(f, 1, b))
}

// joined adds up the sums of a sample's pieces.
func (l *lastGroups) joined(f *Frame, b int) (first, second []float32) {
	first, second = l.partial(f, b*l.pieces)
	for k := 1; k < l.pieces; k++ {
		more, others := l.partial(f, b*l.pieces+k)
		kernel.Add(first, first, more)
		kernel.Add(second, second, others)
	}
	return first, second
}

func (l *lastGroups) forward(f *Frame) {
	mean, inv := l.moments(f)
	each := l.channels / l.groups
	l.take(f)
	for b := range l.batch {
		sum, square := l.joined(f, b)
		pivot := l.pivot(f, b)
		for k := range l.groups {
			i := b*l.groups + k
			m, v := l.group(sum[k*each:(k+1)*each], square[k*each:], pivot[k*each:])
			mean[i], inv[i] = float32(m), float32(1/math.Sqrt(v+l.eps))
		}
		factor, shift := l.coefficients(f, 0, b), l.coefficients(f, 1, b)
		for c := range factor {
			k := b*l.groups + c/each
			factor[c] = inv[k] * f.X(1)[c/l.share]
			shift[c] = f.X(2)[c/l.share] - mean[k]*factor[c]
		}
	}
	l.apply(f)
}

// group is the mean and the variance of a group, from sums of what its channels
// are off their pivots and of the squares of that.
func (l *lastGroups) group(sum, square, pivot []float32) (mean, variance float64) {
	area, each := float64(l.area), float64(len(sum))
	for c, s := range sum {
		mean += (float64(s)/area + float64(pivot[c])) / each
	}
	for c, s := range sum {
		off := mean - float64(pivot[c])
		variance += float64(square[c]) - 2*off*float64(s) + off*off*area
	}
	return mean, max(variance, 0) / (area * each)
}

func (l *lastGroups) gradPiece(f *Frame, unit int) {
	plain, product := l.partial(f, unit)
	clear(plain)
	clear(product)
	kernel.GradSumsRows(plain, product, l.piece(f.DOut[0].Float32s(), unit), l.piece(f.X(0), unit), l.coefficients(f, 1, unit/l.pieces))
}

func (l *lastGroups) applyPiece(f *Frame, unit int) {
	b := unit / l.pieces
	kernel.NormGradRows(l.piece(f.DIn[0].Float32s(), unit), l.piece(f.DOut[0].Float32s(), unit), l.piece(f.X(0), unit),
		l.coefficients(f, 0, b), l.coefficients(f, 1, b), l.coefficients(f, 2, b))
}

func (l *lastGroups) backward(f *Frame) {
	mean, inv := l.moments(f)
	plains, products := l.sums(f)
	n, each, scale := l.channels, l.channels/l.groups, f.X(1)
	for b := range l.batch {
		own := l.coefficients(f, 1, b)
		for c := range own {
			own[c] = mean[b*l.groups+c/each]
		}
	}
	l.gradSums(f)
	for b := range l.batch {
		plain, product := plains[b*n:(b+1)*n], products[b*n:(b+1)*n]
		sum, dot := l.joined(f, b)
		copy(plain, sum)
		for c, v := range dot {
			product[c] = v * inv[b*l.groups+c/each]
		}
		factor, own, shift := l.coefficients(f, 0, b), l.coefficients(f, 1, b), l.coefficients(f, 2, b)
		for k := range l.groups {
			i, first := b*l.groups+k, k*each
			common, offset := l.common(plain[first:first+each], product[first:first+each], scale, i, mean[i], inv[i])
			for c := first; c < first+each; c++ {
				factor[c], own[c], shift[c] = inv[i]*scale[c/l.share], common, offset
			}
		}
	}
	if f.DIn[0] != nil {
		l.gradApply(f)
	}
	l.parameters(f)
}
