package kernel

import "fmt"

// Transpose sets dst[j·dstStride + i] to src[i·srcStride + j] for i below rows
// and j below cols. The slices must not overlap.
func Transpose(dst, src []float32, rows, cols, dstStride, srcStride int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if srcStride < cols || dstStride < rows || len(src) < (rows-1)*srcStride+cols || len(dst) < (cols-1)*dstStride+rows {
		panic(fmt.Sprintf("kernel: transpose %d×%d between %d and %d elements", rows, cols, len(src), len(dst)))
	}
	n := vec.lanes
	if rows < n || cols < n {
		transposeGo(dst, src, rows, cols, dstStride, srcStride)
		return
	}
	for j := 0; j < cols; j += n {
		// The last block of a row or column begins early and writes some
		// elements twice, rather than be a partial one.
		j := min(j, cols-n)
		for i := 0; i < rows; i += n {
			i := min(i, rows-n)
			vec.transposeBlock(dst[j*dstStride+i:], src[i*srcStride+j:], dstStride, srcStride)
		}
	}
}

// CopyRows copies rows of cols elements between matrices whose rows lie
// dstStride and srcStride apart.
func CopyRows(dst, src []float32, rows, cols, dstStride, srcStride int) {
	if cols == dstStride && cols == srcStride {
		copy(dst[:rows*cols], src[:rows*cols])
		return
	}
	for i := range rows {
		copy(dst[i*dstStride:][:cols], src[i*srcStride:][:cols])
	}
}

// AddRows adds rows as CopyRows copies them.
func AddRows(dst, src []float32, rows, cols, dstStride, srcStride int) {
	for i := range rows {
		d := dst[i*dstStride:][:cols]
		vec.add(d, d, src[i*srcStride:][:cols])
	}
}

// Fill sets every element of dst to v.
func Fill(dst []float32, v float32) {
	if v == 0 {
		clear(dst)
		return
	}
	if len(dst) == 0 {
		return
	}
	dst[0] = v
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// GatherRows sets row i of dst to row index[i] of src. Rows are cols long.
func GatherRows(dst, src []float32, index []int, cols int) {
	if len(dst) != len(index)*cols {
		panic(fmt.Sprintf("kernel: %d elements for %d rows of %d", len(dst), len(index), cols))
	}
	for i, r := range index {
		copy(dst[i*cols:][:cols], src[r*cols:][:cols])
	}
}

// ScatterAddRows adds row i of src to row index[i] of dst.
func ScatterAddRows(dst, src []float32, index []int, cols int) {
	if len(src) != len(index)*cols {
		panic(fmt.Sprintf("kernel: %d elements for %d rows of %d", len(src), len(index), cols))
	}
	for i, r := range index {
		d := dst[r*cols:][:cols]
		vec.add(d, d, src[i*cols:][:cols])
	}
}

// countRows is the number of rows of cols elements in n.
func countRows(n, cols int) int {
	switch {
	case n == 0:
		return 0
	case cols <= 0 || n%cols != 0:
		panic(fmt.Sprintf("kernel: %d elements in rows of %d", n, cols))
	}
	return n / cols
}
