package kernel

//go:generate go run onnxcompress/internal/cmd/kernels -kernel gemm -out gemm_amd64.s -stubs gemm_amd64.go
//go:generate go run onnxcompress/internal/cmd/kernels -kernel neon -out gemm_arm64.s -stubs gemm_arm64.go

// tile is the argument of a micro-kernel, which computes, for rows × cols elements,
//
//	C = alpha·Σ A·B + beta·C + bias + residual
//
// with all sums in registers. A is anything whose elements are regular in rows
// and steps: the sum runs over segs segments of k steps each, so that the
// patch of a convolution can be read where it lies. Within a segment, element
// (i, k) of A is i·aRow + k·aK bytes after a; from the end of one segment to the
// start of the next it is aNext bytes further. B has no segments: row s of the
// segs·k rows, cols adjacent numbers, is s·bK bytes after b.
//
// If beta is zero C is not read. bias (a number per column) and res (a matrix
// like C) are left out if nil. All strides are in bytes. There must be at least
// one segment; k may be zero. Before the call, level.kernels sets the fields
// that depend on cols, and the caller sets rows.
//
// The assembly knows the offsets of these fields.
type tile struct {
	a, b, c, bias, res *float32
	aRow, aK, aNext    uintptr
	bK                 uintptr
	cRow, resRow       uintptr
	k, segs            int
	alpha, beta        float32
	mask               uint32 // a bit for each lane of the last vector that is a column
	_                  uint32
	lanes              int // columns in the last vector
	rows, cols         int
}

// maxRows is the most rows that a micro-kernel of any level computes.
const maxRows = 14

// kernels are the micro-kernels for a number of columns, by the number of rows.
type kernels [maxRows + 1]func(t *tile)

// level is a set of micro-kernels for one kind of processor.
type level struct {
	name  string
	rows  int // the most rows of a tile
	lanes int // columns in a vector
	cols  int // the most columns of a tile: two vectors
	// full and masked are for one vector and two. The last vector of masked ones
	// has fewer columns than lanes.
	full, masked [2]kernels
	// transpose transposes 8 rows of 8·blocks numbers at src; strides are in bytes.
	transpose func(dst *float32, dstRow uintptr, src *float32, srcRow uintptr, blocks int)
	// copyRows copies rows of 8·blocks numbers to dst, where they have no gaps.
	copyRows func(dst, src *float32, srcRow uintptr, blocks, rows int)
	// fetchRows asks for the first lines (of the cache) of rows.
	fetchRows func(p *float32, row uintptr, lines, rows int)
}

// kernels returns the micro-kernels for tiles of cols columns, 1 to lv.cols, and
// sets the fields of t that depend on it.
func (lv *level) kernels(t *tile, cols int) *kernels {
	vectors, lanes := 0, cols
	if cols > lv.lanes {
		vectors, lanes = 1, cols-lv.lanes
	}
	t.cols, t.lanes, t.mask = cols, lanes, 1<<lanes-1
	if lanes == lv.lanes {
		return &lv.full[vectors]
	}
	return &lv.masked[vectors]
}

// active is the best level that the processor has. Tests set others.
var active = levels()[0]
