package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// machine is a support vector machine: vectors, or weights where it is linear
// and has none.
type machine struct {
	features, count int
	vectors, coef   []float32
	rho             []float32
	kernel          func(a []float64, b []float32) float64
}

func machineOf(n *Node, features, count int) (*machine, error) {
	m := &machine{
		features: features, count: count,
		vectors: n.Attrs["support_vectors"].Floats, coef: n.Attrs["coefficients"].Floats, rho: n.Attrs["rho"].Floats,
	}
	if len(m.rho) == 0 {
		return nil, errors.New("has no rho")
	}
	if count > 0 && (len(m.vectors) != count*features || len(m.coef)%count != 0) {
		return nil, fmt.Errorf("%d support vectors do not fit %d features", count, features)
	}
	var err error
	m.kernel, err = kernelOf(n)
	return m, err
}

func inner(a []float64, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		sum += x * float64(b[i])
	}
	return sum
}

// kernelOf is the function of two vectors that the node names.
func kernelOf(n *Node) (func(a []float64, b []float32) float64, error) {
	gamma, shift, degree := 0.0, 0.0, 0.0
	if p := n.Attrs["kernel_params"].Floats; len(p) == 3 {
		gamma, shift, degree = float64(p[0]), float64(p[1]), float64(p[2])
	}
	switch name := n.Attrs.Str("kernel_type", "LINEAR"); name {
	case "LINEAR":
		return inner, nil
	case "POLY":
		return func(a []float64, b []float32) float64 { return math.Pow(gamma*inner(a, b)+shift, degree) }, nil
	case "SIGMOID":
		return func(a []float64, b []float32) float64 { return math.Tanh(gamma*inner(a, b) + shift) }, nil
	case "RBF":
		return func(a []float64, b []float32) float64 {
			sum := 0.0
			for i, x := range a {
				d := x - float64(b[i])
				sum += d * d
			}
			return math.Exp(-gamma * sum)
		}, nil
	default:
		return nil, fmt.Errorf("kernel_type %q is not one of ONNX's", name)
	}
}

// kernels are those of a row with each support vector.
func (m *machine) kernels(row []float64) []float64 {
	k := make([]float64, m.count)
	for i := range k {
		k[i] = m.kernel(row, m.vectors[i*m.features:(i+1)*m.features])
	}
	return k
}

func forwardSVMRegressor(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	v, rows, features, err := samples(in[0])
	if err != nil {
		return nil, err
	}
	m, err := machineOf(n, features, int(n.Attrs.Int("n_supports", 0)))
	if err != nil {
		return nil, err
	}
	last, err := transform(n)
	if err != nil {
		return nil, err
	}
	if len(m.coef) != choose(m.count > 0, m.count, features) {
		return nil, errors.New("there is not a coefficient for each vector or feature")
	}
	var all []float64
	for r := range rows {
		row := v[r*features : (r+1)*features]
		sum := float64(m.rho[0])
		if m.count == 0 {
			sum += m.kernel(row, m.coef)
		} else {
			sum += inner(m.kernels(row), m.coef)
		}
		score := []float64{sum}
		if n.Attrs.Int("one_class", 0) != 0 {
			score[0] = choose(sum > 0, 1.0, -1)
		} else {
			last(score)
		}
		all = append(all, score...)
	}
	return one(ofNumbers(tensor.Float32, []int64{int64(rows), 1}, all))
}

func forwardSVMClassifier(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	labels, err := labelsOf(n)
	if err != nil {
		return nil, err
	}
	v, rows, features, err := samples(in[0])
	if err != nil {
		return nil, err
	}
	per, count := n.Attrs.Ints("vectors_per_class"), int64(0)
	for _, c := range per {
		if c < 0 || c > mostTargets {
			return nil, errors.New("vectors_per_class are out of range")
		}
		count += c
	}
	m, err := machineOf(n, features, int(count))
	if err != nil {
		return nil, err
	}
	s := supports{machine: m, Node: n, per: per, classes: labels.Len()}
	if err := s.fits(); err != nil {
		return nil, err
	}
	out := verdicts{Node: n, labels: labels}
	for r := range rows {
		row := v[r*features : (r+1)*features]
		if m.count == 0 {
			err = s.linear(&out, row)
		} else {
			err = s.voted(&out, row)
		}
		if err != nil {
			return nil, err
		}
	}
	return out.tensors()
}

// supports is a machine that tells classes from each other, pair by pair.
type supports struct {
	*machine
	*Node
	per     []int64
	classes int
}

func (s *supports) pairs() int { return s.classes * (s.classes - 1) / 2 }

func (s *supports) fits() error {
	a, b := s.Attrs["prob_a"].Floats, s.Attrs["prob_b"].Floats
	switch {
	case s.count == 0 && len(s.coef) != s.classes*s.features:
		return errors.New("there is not a coefficient for each class and feature")
	case s.count == 0:
		return nil
	case len(s.per) != s.classes || len(s.coef) != (s.classes-1)*s.count || len(s.rho) != s.pairs():
		return errors.New("coefficients and rho do not fit the classes")
	case len(a) != len(b) || len(a) > 0 && len(a) != s.pairs():
		return errors.New("prob_a and prob_b do not fit the classes")
	}
	return nil
}

// linear has weights for each class.
func (s *supports) linear(out *verdicts, row []float64) error {
	scores := make([]float64, s.classes)
	for c := range scores {
		scores[c] = s.kernel(row, s.coef[c*s.features:(c+1)*s.features]) + float64(s.rho[0])
	}
	return out.add(best(scores), scores, alone)
}

// voted lets each pair of classes vote for one of them.
func (s *supports) voted(out *verdicts, row []float64) error {
	kernels, starts := s.kernels(row), make([]int, s.classes)
	for c := 1; c < s.classes; c++ {
		starts[c] = starts[c-1] + int(s.per[c-1])
	}
	scores, votes := make([]float64, 0, s.pairs()), make([]float64, s.classes)
	for i := range s.classes {
		for j := i + 1; j < s.classes; j++ {
			sum := float64(s.rho[len(scores)])
			for k := range int(s.per[i]) {
				sum += kernels[starts[i]+k] * float64(s.coef[(j-1)*s.count+starts[i]+k])
			}
			for k := range int(s.per[j]) {
				sum += kernels[starts[j]+k] * float64(s.coef[i*s.count+starts[j]+k])
			}
			scores = append(scores, sum)
			votes[choose(sum > 0, i, j)]++
		}
	}
	if a := s.Attrs["prob_a"].Floats; len(a) > 0 {
		shares := s.coupled(scores, a, s.Attrs["prob_b"].Floats)
		return out.add(best(votes), shares, alone)
	}
	return out.add(best(votes), scores, choose(s.classes == 2, sides, alone))
}

// coupled finds the probabilities of the classes that agree best with those of
// the pairs: the fixed point that Wu, Lin and Weng give (2004, second method).
func (s *supports) coupled(scores []float64, a, b []float32) []float64 {
	const least, rounds = 1e-7, 100
	k := s.classes
	r := make([][]float64, k)
	for i := range r {
		r[i] = make([]float64, k)
	}
	at := 0
	for i := range k {
		for j := i + 1; j < k; j++ {
			p := 1 - sigmoid(scores[at]*float64(a[at])+float64(b[at]))
			r[i][j] = max(least, min(1-least, p))
			r[j][i] = 1 - r[i][j]
			at++
		}
	}
	p := make([]float64, k)
	for i := range p {
		p[i] = 1 / float64(k)
	}
	q := make([][]float64, k)
	for i := range q {
		q[i] = make([]float64, k)
		for j := range q[i] {
			if j != i {
				q[i][i] += r[j][i] * r[j][i]
				q[i][j] = -r[j][i] * r[i][j]
			}
		}
	}
	for range max(rounds, k) {
		product := make([]float64, k)
		whole := 0.0
		for i := range k {
			for j := range k {
				product[i] += q[i][j] * p[j]
			}
			whole += p[i] * product[i]
		}
		worst := 0.0
		for i := range k {
			worst = max(worst, math.Abs(product[i]-whole))
		}
		if worst < 0.005/float64(k) {
			break
		}
		for i := range k {
			step := (whole - product[i]) / q[i][i]
			p[i] += step
			whole = (whole + step*(step*q[i][i]+2*product[i])) / (1 + step) / (1 + step)
			for j := range k {
				product[j] = (product[j] + step*q[i][j]) / (1 + step)
				p[j] /= 1 + step
			}
		}
	}
	return p
}
