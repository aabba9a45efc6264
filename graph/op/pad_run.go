package op

import "onnxcompress/runtime/kernel"

// compilePad copies into a frame of the fill or of elements that are read again.
func compilePad(n *Node) (*Routine, error) {
	if !floats(n, 0) || n.Has(2) && !floats(n, 2) {
		return nil, nil
	}
	shape := arranged(n, n.In[0].Shape)
	before, _, known, err := margins(n, len(shape))
	if err != nil || !known {
		return nil, err
	}
	before = arranged(n, before)
	out, steps, tables := n.stored(n.Out[0].Shape), strides(shape), make([][]int64, len(shape))
	for axis, size := range shape {
		tables[axis] = line(out[axis], -before[axis], 1)
		for i, at := range tables[axis] {
			if at, err = mirror(padMode(n), at, size); err != nil {
				return nil, err
			}
			tables[axis][i] = max(at*steps[axis], -1)
		}
	}
	p := newPicking(tables, product(shape), n.Attrs.Float("value", 0))
	r := p.routine()
	if n.Has(2) {
		p.fillFrom(r, 2)
	}
	return r, nil
}

// fillFrom has the routine of a picking read the fill from an input.
func (p *picking) fillFrom(r *Routine, slot int) {
	forward, backward := r.Forward, r.Backward
	r.Forward = func(f *Frame) {
		p.fill = f.X(slot)[0]
		forward(f)
	}
	r.Backward = func(f *Frame) {
		if f.DIn[0] != nil {
			backward(f)
		}
		if f.DIn[slot] != nil {
			f.begin(slot, true)[0] += float32(p.filled(f.DOut[0].Float32s()))
		}
	}
}

// filled is the sum of what is not read from the source.
func (p *picking) filled(y []float32) float64 {
	sum, width := 0.0, p.width()
	for r := range p.rows {
		row := y[r*width : (r+1)*width]
		if p.from(r) < 0 {
			sum += kernel.Sum(row)
			continue
		}
		for _, s := range p.parts {
			if s.from < 0 {
				sum += kernel.Sum(row[s.to : s.to+s.n])
			}
		}
	}
	return sum
}
