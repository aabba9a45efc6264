package obs

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// sweeps is how often the fit of a rectified layer is repeated: each time with
// the targets that the fit before leaves to the rectifier.
const sweeps = 3

// part is one group of a layer: the channels in of its data make the channels
// out of its output. first is the first channel that the group has in the data.
type part struct {
	*layer
	*fitter
	rows    *rows
	matrix  []float64
	first   int
	in, out []int

	// x are the student's patches, target what the layer is to give, other what
	// is added to it after, batch by batch.
	x, target, other [][]float32
	width            int
	mean             []float64
	factor           *mat.Cholesky
	lambda           float64
	// weights are those that the fit is drawn to, width by outputs.
	weights []float64
}

var errSingular = errors.New("its inputs are not finite on the samples")

// fit finds the least squares W and b of
//
//	Σ (W x + b - t)² + λ (W - W₀)²
//
// over samples, and writes them to the part's rows of the matrix and to bias.
func (p *part) fit(bias []float64) error {
	p.gather()
	if err := p.prepare(); err != nil {
		return err
	}
	shift, err := p.solve(p.target, bias != nil)
	if err != nil {
		return err
	}
	for range p.sweeps() {
		z, err := p.hidden(shift)
		if err != nil {
			return err
		}
		if shift, err = p.solve(z, bias != nil); err != nil {
			return err
		}
	}
	p.write(bias, shift)
	return nil
}

func (p *part) sweeps() int {
	if !p.rectified {
		return 0
	}
	return sweeps
}

// gather collects patches and targets. Targets lack what the weight that holds
// the bias adds, where that is not in the layer's own output.
func (p *part) gather() {
	p.width = len(p.in) * p.area
	name := p.node.Out[0].Name
	for b, at := range p.rows.student {
		p.x = append(p.x, at.rows(p.in))
		t := at.pick(p.teacher.live[b][name], p.out)
		if p.layer.other != nil {
			was, is := p.branchOf(p.teacher, b, at), p.branchOf(p.student, b, at)
			for i := range t {
				s := float32(p.scale[p.out[i%len(p.out)]])
				if s != 0 {
					t[i] += (was[i] - is[i]) / s
				}
			}
			p.other = append(p.other, is)
		}
		p.target = append(p.target, t)
	}
}

func (p *part) branchOf(l *lane, batch int, at *patches) []float32 {
	return at.pick(l.live[batch][p.layer.other.Name], p.out)
}

// prepare factorises the moments of the patches.
func (p *part) prepare() error {
	second := make([]float64, p.width*p.width)
	p.mean = make([]float64, p.width)
	for b, at := range p.rows.student {
		if err := p.addGram(second, p.x[b], p.x[b], len(at.places)); err != nil {
			return err
		}
		sumRows(p.mean, p.x[b])
	}
	centred(second, p.mean, p.mean, p.rows.count)
	for j := range p.mean {
		p.mean[j] /= float64(p.rows.count)
	}
	p.lambda = damp(second, p.width)
	var ok bool
	if p.factor, ok = factorise(second, p.width); !ok {
		return errSingular
	}
	p.weights = make([]float64, p.width*len(p.out))
	for i, o := range p.out {
		for j := range p.width {
			p.weights[j*len(p.out)+i] = p.matrix[o*p.columns()+p.column(j)]
		}
	}
	return nil
}

// column is the place in the matrix of a column of the part.
func (p *part) column(j int) int { return (p.in[j/p.area]-p.first)*p.area + j%p.area }

// solve fits the weights to a target and returns the shift that goes with them.
// Without a place for a shift the mean is fitted by the weights as well as it
// can be with the centred moments: not at all.
func (p *part) solve(target [][]float32, shifts bool) ([]float64, error) {
	n := len(p.out)
	cross, mean := make([]float64, p.width*n), make([]float64, n)
	sumX := make([]float64, p.width)
	for b, at := range p.rows.student {
		if err := p.addGram(cross, p.x[b], target[b], len(at.places)); err != nil {
			return nil, err
		}
		sumRows(mean, target[b])
	}
	for j := range sumX {
		sumX[j] = p.mean[j] * float64(p.rows.count)
	}
	centred(cross, sumX, mean, p.rows.count)
	for i := range cross {
		cross[i] += p.lambda * p.weights[i]
	}
	var w mat.Dense
	if err := p.factor.SolveTo(&w, mat.NewDense(p.width, n, cross)); err != nil {
		var bad mat.Condition
		if !errors.As(err, &bad) {
			return nil, err
		}
	}
	p.weights = w.RawMatrix().Data
	if !finite(p.weights) || !finite(mean) {
		return nil, errSingular
	}
	shift := make([]float64, n)
	if !shifts {
		return shift, nil
	}
	for i := range shift {
		shift[i] = mean[i] / float64(p.rows.count)
	}
	for j, m := range p.mean {
		for i, x := range p.weights[j*n : (j+1)*n] {
			shift[i] -= m * x
		}
	}
	return shift, nil
}

func finite(v []float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// hidden gives the targets of the next sweep: where the original is rectified to
// zero, whatever the fit gives there that is rectified too.
func (p *part) hidden(shift []float64) ([][]float32, error) {
	n := len(p.out)
	w := make([]float32, len(p.weights))
	for i, x := range p.weights {
		w[i] = float32(x)
	}
	all := make([][]float32, len(p.x))
	for b, at := range p.rows.student {
		if len(at.places) == 0 {
			continue
		}
		got, err := multiply(p.apply, p.x[b], w, len(at.places), p.width)
		if err != nil {
			return nil, err
		}
		z := make([]float32, len(got))
		for i, y := range got {
			c := i % n
			z[i] = p.visible(p.out[c], float64(p.target[b][i]), float64(y)+shift[c], p.added(b, i))
		}
		all[b] = z
	}
	return all, nil
}

func (p *part) added(batch, i int) float64 {
	if p.other == nil {
		return 0
	}
	return float64(p.other[batch][i])
}

// visible is the target of a channel where the fit gives y and the original t,
// both before the channel is scaled, shifted, added to other and rectified.
func (p *part) visible(c int, t, y, other float64) float32 {
	s, rest := p.scale[c], p.shift[c]+other
	if s == 0 || s*t+rest > 0 {
		return float32(t)
	}
	if s*y+rest <= 0 {
		return float32(y)
	}
	return float32(-rest / s)
}

// write puts the fit into the matrix, and what it shifts by into the bias. The
// layer's own output, which was the target, has its own bias in it; a bias that
// comes after is changed by the shift.
func (p *part) write(bias, shift []float64) {
	n := len(p.out)
	for i, o := range p.out {
		for j := range p.width {
			p.matrix[o*p.columns()+p.column(j)] = p.weights[j*n+i]
		}
		if bias == nil {
			continue
		}
		if p.layer.bias.Node == p.node {
			bias[o] = shift[i]
		} else {
			bias[o] += p.sign * shift[i]
		}
	}
}
