package kernel

// packing lays weights out as panels: for each group those of a matrix whose rows
// are the taps and channels that a sum runs over, in the order in which they are
// read, and whose columns are the output channels.
type packing struct {
	*correlation
	lv        *level
	panels, w []float32
	part      func(part, worker int)
}

func (k *packing) init() { k.part = k.panel }

// run writes the panels of c, which begin at c.at.
func (k *packing) run(p *Pool, lv *level, c *correlation, panels, w []float32) {
	if c.depth() == 0 {
		return
	}
	k.correlation, k.lv, k.panels, k.w = c, lv, panels, w
	parts := c.groups * ((c.out + lv.cols - 1) / lv.cols)
	if c.depth()*c.out*c.groups < packAlone {
		for part := range parts {
			k.panel(part, 0)
		}
	} else {
		p.Run(parts, k.part)
	}
	k.correlation, k.panels, k.w = nil, nil, nil
}

// packAlone is below how many numbers packing is not worth sharing out.
const packAlone = 1 << 12

// panel packs one panel of one group.
func (k *packing) panel(part, _ int) {
	perGroup := (k.out + k.lv.cols - 1) / k.lv.cols
	g, j := part/perGroup, part%perGroup*k.lv.cols
	cols := min(k.lv.cols, k.out-j)
	width := k.lv.panelWidth(cols)
	dst := k.panels[k.at+g*k.correlation.panels(k.lv)+j*k.depth():][:k.depth()*width]
	if k.wide > 0 {
		k.widePanel(dst, j, cols, width)
		return
	}
	src := k.w[g*k.wGroup+j*k.wOut:]
	done := k.blocks(dst, src, cols, width)
	for t, tap := range k.order {
		m := Matrix{Data: src[tap:], Rows: k.in, Cols: cols, RowStride: k.wIn, ColStride: k.wOut}
		row := dst[t*k.in*width:][:k.in*width]
		if tap < done {
			gather(row, &m, width, cols/block*block, cols, 0, k.in)
			zeroColumns(row, &m, width)
			continue
		}
		k.lv.packPanel(row, &m, width)
	}
}

// block is the side of what level.transpose transposes.
const block = 8

// blocks packs what it can by transposing taps and output channels, which are
// both regular in memory, and returns how many of the taps, in the order of the
// weights. Of columns it packs multiples of the block.
func (k *packing) blocks(dst, src []float32, cols, width int) int {
	blocks := len(k.order) / block
	if blocks == 0 || k.lv.transpose == nil || !k.regular() {
		return 0
	}
	row := k.in * width
	first, step := 0, row
	if k.order[0] != 0 {
		first, step = (len(k.order)-1)*row, -row
	}
	for i := range k.in {
		for j := 0; j+block <= cols; j += block {
			at := &dst[first+i*width+j]
			k.lv.transpose(at, uintptr(4*step), &src[i*k.wIn+j*k.wOut], uintptr(4*k.wOut), blocks)
		}
	}
	return blocks * block
}

// regular reports whether the order is that of the weights, or the reverse.
func (k *packing) regular() bool {
	step := k.order[1] - k.order[0]
	if step != 1 && step != -1 {
		return false
	}
	for t, tap := range k.order {
		if tap != k.order[0]+t*step {
			return false
		}
	}
	return min(k.order[0], k.order[len(k.order)-1]) == 0
}
