package kernel

import "unsafe"

// definition is the level that says what the others compute, and the one for
// processors without another.
var definition = newDefinition()

func newDefinition() *level {
	lv := &level{name: "go", rows: 4, lanes: 4, cols: 8}
	for vectors := range lv.full {
		for rows := range lv.full[vectors] {
			lv.full[vectors][rows] = tileGo
		}
	}
	lv.masked = lv.full
	return lv
}

// offset is the number that lies bytes after p.
func offset(p *float32, bytes uintptr) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), bytes))
}

// tileGo is the micro-kernel that defines what a tile is, for any rows and cols.
func tileGo(t *tile) {
	for i := range uintptr(t.rows) {
		c := unsafe.Slice(offset(t.c, i*t.cRow), t.cols)
		j := 0
		for ; j+4 <= t.cols; j += 4 {
			s0, s1, s2, s3 := sums4(t, i, uintptr(4*j))
			t.finish(c, i, j, s0)
			t.finish(c, i, j+1, s1)
			t.finish(c, i, j+2, s2)
			t.finish(c, i, j+3, s3)
		}
		for ; j < t.cols; j++ {
			t.finish(c, i, j, sum1(t, i, uintptr(4*j)))
		}
	}
}

// sums4 is Σ A·B for row i and four columns, from column bytes on.
func sums4(t *tile, i, column uintptr) (s0, s1, s2, s3 float32) {
	aAt, bAt := i*t.aRow, column
	for range t.segs {
		for range t.k {
			a := *offset(t.a, aAt)
			b := (*[4]float32)(unsafe.Pointer(offset(t.b, bAt)))
			s0 += a * b[0]
			s1 += a * b[1]
			s2 += a * b[2]
			s3 += a * b[3]
			aAt += t.aK
			bAt += t.bK
		}
		aAt += t.aNext
	}
	return s0, s1, s2, s3
}

func sum1(t *tile, i, column uintptr) (s float32) {
	aAt, bAt := i*t.aRow, column
	for range t.segs {
		for range t.k {
			s += *offset(t.a, aAt) * *offset(t.b, bAt)
			aAt += t.aK
			bAt += t.bK
		}
		aAt += t.aNext
	}
	return s
}

// finish writes element (i, j), whose sum of products is s, to the row c.
func (t *tile) finish(c []float32, i uintptr, j int, s float32) {
	s *= t.alpha
	if t.beta != 0 {
		s += t.beta * c[j]
	}
	if t.bias != nil {
		s += *offset(t.bias, uintptr(4*j))
	}
	if t.res != nil {
		s += *offset(t.res, i*t.resRow+uintptr(4*j))
	}
	c[j] = s
}
