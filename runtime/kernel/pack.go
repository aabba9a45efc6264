package kernel

import (
	"fmt"
	"unsafe"
)

// Packed is a right-hand matrix laid out for the micro-kernels: panels of as many
// columns as a tile has, each row by row. It is read only and may be shared.
type Packed struct {
	rows, cols int
	lv         *level
	panels     []float32
}

// PackB lays b out for many products. It copies: later changes of b don't show.
func PackB(b Matrix) *Packed {
	b.check("B")
	p := &Packed{rows: b.Rows, cols: b.Cols, lv: active}
	p.panels = aligned(panelsSize(p.lv, b.Rows, b.Cols))
	p.lv.packPanels(p.panels, &b, 0, b.Cols, 0, b.Rows)
	return p
}

// Rows is the number of rows of the matrix that was packed.
func (p *Packed) Rows() int { return p.rows }

// Cols is the number of columns of the matrix that was packed.
func (p *Packed) Cols() int { return p.cols }

// Repack lays out b, which has the size of the matrix before, in the place of it.
func (p *Packed) Repack(b Matrix) {
	b.check("B")
	if b.Rows != p.rows || b.Cols != p.cols {
		panic(fmt.Sprintf("kernel: a matrix of %d×%d packed in the place of %d×%d", b.Rows, b.Cols, p.rows, p.cols))
	}
	p.lv.packPanels(p.panels, &b, 0, b.Cols, 0, b.Rows)
}

// panelsSize is how many numbers the panels of rows × cols take.
func panelsSize(lv *level, rows, cols int) int {
	whole := cols / lv.cols * lv.cols
	return rows * (whole + lv.panelWidth(cols-whole))
}

// panelWidth is how many columns the panel is wide that holds cols, at most a
// tile's: as many as the vectors of the tile.
func (lv *level) panelWidth(cols int) int {
	return (cols + lv.lanes - 1) / lv.lanes * lv.lanes
}

// packPanels writes rows k0 to k1 of the panels of columns j0 to j1, where j0
// begins a panel and j1 ends one. A panel of all rows begins at its first column
// times the number of rows.
func (lv *level) packPanels(panels []float32, b *Matrix, j0, j1, k0, k1 int) {
	if k0 == k1 {
		return
	}
	for j := j0; j < j1; j += lv.cols {
		cols := min(lv.cols, j1-j)
		width := lv.panelWidth(cols)
		panel := panels[j*b.Rows+k0*width:][:(k1-k0)*width]
		part := b.part(k0, k1, j, j+cols)
		lv.packPanel(panel, &part, width)
	}
}

// packPanel writes m to panel, whose rows are width numbers, filled up with zeros.
func (lv *level) packPanel(panel []float32, m *Matrix, width int) {
	switch {
	case m.ColStride == 1 && m.Cols == width && lv.copyRows != nil:
		lv.copyRows(&panel[0], m.at(0, 0), uintptr(4*m.RowStride), width/8, m.Rows)
	case m.ColStride == 1 || m.Cols == 1:
		for k := range m.Rows {
			row := panel[k*width:][:width]
			clear(row[copy(row, m.row(k, 0, m.Cols)):])
		}
	case m.RowStride == 1 && lv.transpose != nil:
		lv.transposePanel(panel, m, width)
	default:
		gather(panel, m, width, 0, m.Cols, 0, m.Rows)
		zeroColumns(panel, m, width)
	}
}

// transposePanel is packPanel for a matrix whose rows are adjacent.
func (lv *level) transposePanel(panel []float32, m *Matrix, width int) {
	const block = 8
	rows, cols := m.Rows/block*block, m.Cols/block*block
	if rows > 0 {
		for j := 0; j < cols; j += block {
			lv.transpose(&panel[j], uintptr(4*width), m.at(0, j), uintptr(4*m.ColStride), rows/block)
		}
	}
	gather(panel, m, width, 0, cols, rows, m.Rows)
	gather(panel, m, width, cols, m.Cols, 0, m.Rows)
	zeroColumns(panel, m, width)
}

// gather writes columns j0 to j1 of rows k0 to k1 of m one by one.
func gather(panel []float32, m *Matrix, width, j0, j1, k0, k1 int) {
	for j := j0; j < j1; j++ {
		column := m.Data[j*m.ColStride:]
		for k := k0; k < k1; k++ {
			panel[k*width+j] = column[k*m.RowStride]
		}
	}
}

func zeroColumns(panel []float32, m *Matrix, width int) {
	if m.Cols == width {
		return
	}
	for k := range m.Rows {
		clear(panel[k*width+m.Cols : (k+1)*width])
	}
}

// operand is a matrix as micro-kernels read it.
type operand struct {
	at         *float32
	row, col   uintptr // strides in bytes
	rows, cols int
}

func newOperand(m *Matrix) operand {
	return operand{at: m.at(0, 0), row: uintptr(4 * m.RowStride), col: uintptr(4 * m.ColStride), rows: m.Rows, cols: m.Cols}
}

// copied is m, copied to the worker's memory so that it is dense there: rows or
// columns stay adjacent, whichever they are.
func (w *worker) copied(m *Matrix) operand {
	const gap = alignment / 4 // so that rows don't compete for the same places of the cache
	lines, length := m.Rows, m.Cols
	lineStride, stride := m.RowStride, m.ColStride
	flip := m.RowStride == 1 && m.ColStride != 1
	if flip {
		lines, length, lineStride, stride = length, lines, stride, lineStride
	}
	pitch := (length+gap-1)/gap*gap + gap
	dst := w.a.get(lines * pitch)
	for i := range lines {
		src := m.Data[i*lineStride:]
		line := dst[i*pitch:][:length]
		if stride == 1 {
			copy(line, src)
			continue
		}
		for k := range line {
			line[k] = src[k*stride]
		}
	}
	o := operand{at: unsafe.SliceData(dst), row: uintptr(4 * pitch), col: 4, rows: m.Rows, cols: m.Cols}
	if flip {
		o.row, o.col = o.col, o.row
	}
	return o
}
