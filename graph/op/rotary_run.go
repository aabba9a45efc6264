package op

// rotating turns pairs of dimensions of each head of each step.
type rotating struct {
	heads
	batch, steps, half, apart, next, rows int
}

func compileRotary(n *Node) (*Routine, error) {
	if !floats(n, 0, 1, 2) || n.Has(3) && !indexed(n, 3) {
		return nil, nil
	}
	h, err := headsOf(n, 0, "num_heads")
	if err != nil {
		return nil, err
	}
	part := n.Attrs.Int("rotary_embedding_dim", 0)
	if part == 0 {
		part = h.size
	}
	x, table := n.In[0].Shape, n.In[1].Shape
	r := &rotating{heads: h, batch: int(x[0]), steps: int(x[h.length()]), half: int(part / 2), apart: int(part / 2), next: 1}
	if n.Attrs.Int("interleaved", 0) != 0 {
		r.apart, r.next = 1, 2
	}
	fits := part > 0 && part <= h.size && part%2 == 0 && len(table) > 1 && table[len(table)-1] == part/2 &&
		product(table) == product(n.In[2].Shape)
	if fits {
		r.rows = int(product(table)) / r.half
	}
	if !fits || !n.Has(3) && r.rows < r.batch*r.steps || n.Has(3) && product(n.In[3].Shape) != int64(r.batch*r.steps) {
		return nil, nil
	}
	keep := []int{0, 1, 2}
	if n.Has(3) {
		keep = append(keep, 3)
	}
	count := r.batch * r.steps * int(h.count)
	out := &Routine{InPlace: []int{0}, KeepIn: keep}
	forward := shared(count, 2*int(h.size), func(f *Frame, _, lo, hi int) {
		r.turn(f, f.Y(0), f.X(0), lo, hi, 1)
	})
	out.Forward = func(f *Frame) {
		if r.fits(f) {
			forward(f)
		}
	}
	back := shared(count, 2*int(h.size), func(f *Frame, _, lo, hi int) {
		r.turn(f, f.DIn[0].Float32s(), f.DOut[0].Float32s(), lo, hi, -1)
	})
	out.Backward = func(f *Frame) {
		if f.DIn[0] != nil {
			back(f)
		}
		if f.DIn[1] != nil || f.DIn[2] != nil {
			r.tables(f, count)
		}
	}
	return out, nil
}

// fits reports whether all positions are in the tables.
func (r *rotating) fits(f *Frame) bool {
	if t := operand(f.In, 3); t != nil {
		for i := range r.batch * r.steps {
			if k := t.IntAt(i); k < 0 || k >= int64(r.rows) {
				f.Err = indexError{k, int64(r.rows)}
				return false
			}
		}
	}
	return true
}

// position is the row of the tables for head i, counted through all of them.
func (r *rotating) position(f *Frame, i int) int {
	count := int(r.count)
	step := i % r.steps
	if r.packed {
		step = i / count % r.steps
	}
	at := i/(count*r.steps)*r.steps + step
	if t := operand(f.In, 3); t != nil {
		return int(t.IntAt(at))
	}
	return at
}

// turn turns heads lo to hi by the angles, or against them where sign is -1.
func (r *rotating) turn(f *Frame, y, x []float32, lo, hi int, sign float32) {
	cos, sin := f.X(1), f.X(2)
	size := int(r.size)
	for i := lo; i < hi; i++ {
		p := r.position(f, i) * r.half
		x, y := x[i*size:(i+1)*size], y[i*size:(i+1)*size]
		cos, sin := cos[p:p+r.half], sin[p:p+r.half]
		for k, c := range cos {
			s, a, b := sign*sin[k], k*r.next, k*r.next+r.apart
			y[a], y[b] = c*x[a]-s*x[b], s*x[a]+c*x[b]
		}
		copy(y[2*r.half:], x[2*r.half:])
	}
}

// tables gives the gradients of cosines and sines.
func (r *rotating) tables(f *Frame, count int) {
	dcos, dsin := r.table(f, 1), r.table(f, 2)
	size, x, dy := int(r.size), f.X(0), f.DOut[0].Float32s()
	for i := range count {
		p := r.position(f, i) * r.half
		x, dy := x[i*size:(i+1)*size], dy[i*size:(i+1)*size]
		for k := range r.half {
			a, b := k*r.next, k*r.next+r.apart
			if dcos != nil {
				dcos[p+k] += dy[a]*x[a] + dy[b]*x[b]
			}
			if dsin != nil {
				dsin[p+k] += dy[b]*x[a] - dy[a]*x[b]
			}
		}
	}
}

// table is the gradient of a table, cleared; nil where it is not wanted.
func (r *rotating) table(f *Frame, slot int) []float32 {
	d := f.DIn[slot]
	if d == nil {
		return nil
	}
	return zeroed(d.Float32s())
}
