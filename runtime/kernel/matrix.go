package kernel

import "fmt"

// Matrix is a view of numbers in memory: element (i, j) is
// Data[i*RowStride+j*ColStride]. Strides are not negative.
type Matrix struct {
	Data                 []float32
	Rows, Cols           int
	RowStride, ColStride int
}

// Dense is the view of rows × cols numbers that lie row by row without gaps.
func Dense(data []float32, rows, cols int) Matrix {
	return Matrix{Data: data, Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
}

// T is the transpose of m, a view of the same numbers.
func (m Matrix) T() Matrix {
	return Matrix{Data: m.Data, Rows: m.Cols, Cols: m.Rows, RowStride: m.ColStride, ColStride: m.RowStride}
}

// at is the address of element (i, j), or nil if m is empty.
func (m *Matrix) at(i, j int) *float32 {
	if m.Rows == 0 || m.Cols == 0 {
		return nil
	}
	return &m.Data[i*m.RowStride+j*m.ColStride]
}

// row is columns j0 to j1 of row i of a matrix whose columns are adjacent.
func (m *Matrix) row(i, j0, j1 int) []float32 {
	start := i * m.RowStride
	return m.Data[start+j0 : start+j1]
}

// part is rows r0 to r1 and columns c0 to c1 of m.
func (m *Matrix) part(r0, r1, c0, c1 int) Matrix {
	p := Matrix{Rows: r1 - r0, Cols: c1 - c0, RowStride: m.RowStride, ColStride: m.ColStride}
	if p.Rows > 0 && p.Cols > 0 {
		p.Data = m.Data[r0*m.RowStride+c0*m.ColStride:]
	}
	return p
}

// check panics unless m lies in its slice.
func (m *Matrix) check(name string) {
	if m.Rows < 0 || m.Cols < 0 || m.RowStride < 0 || m.ColStride < 0 {
		panic(fmt.Sprintf("kernel: matrix %s has a negative size or stride: %d×%d, strides %d and %d",
			name, m.Rows, m.Cols, m.RowStride, m.ColStride))
	}
	if m.Rows == 0 || m.Cols == 0 {
		return
	}
	left := len(m.Data) - 1
	// Divided and not multiplied: a product might overflow.
	fits := left >= 0
	for _, axis := range [2][2]int{{m.Rows - 1, m.RowStride}, {m.Cols - 1, m.ColStride}} {
		if !fits || axis[1] == 0 {
			continue
		}
		if fits = axis[0] <= left/axis[1]; fits {
			left -= axis[0] * axis[1]
		}
	}
	if !fits {
		panic(fmt.Sprintf("kernel: matrix %s of %d×%d with strides %d and %d does not fit its %d numbers",
			name, m.Rows, m.Cols, m.RowStride, m.ColStride, len(m.Data)))
	}
}

// checkResult panics unless m can be written to: its columns are adjacent and
// its rows apart.
func (m *Matrix) checkResult(name string) {
	m.check(name)
	if m.Cols > 1 && m.ColStride != 1 || m.Rows > 1 && m.RowStride < m.Cols {
		panic(fmt.Sprintf("kernel: matrix %s of %d×%d with strides %d and %d cannot hold a result",
			name, m.Rows, m.Cols, m.RowStride, m.ColStride))
	}
}
