package vector

import (
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A columnKernel sums over the rows of matrices of one shape and adds the
// sums of the columns to write. Lists are separated by spaces.
type columnKernel struct {
	name  string
	write string // one number per column
	read  string // matrices, row after row
	row   string // one number per column, which serves every row

	// body adds what a vector of each of read and row gives to e.acc, one
	// register for each of write.
	body func(e *emitter, in []op)
}

func (k columnKernel) signature() string {
	names := strings.Fields(k.write + " " + k.read + " " + k.row)
	return "func(" + strings.Join(names, ", ") + " []float32, rows int)"
}

// A columnFrame is the registers of a columnKernel that is being written.
type columnFrame struct {
	columnKernel
	e      *emitter
	base   map[string]reg.Register
	index  reg.GPVirtual // of the next column
	left   reg.GPVirtual // columns from there on
	stride reg.GPVirtual // from row to row, in bytes
}

// emit writes the kernel for one processor level: blocks of some vectors of
// columns, whose sums stay in registers while the rows go by.
func (k columnKernel) emit(c *build.Context, wide bool, suffix string) {
	e := &emitter{Context: c, wide: wide}
	e.open(k.name+suffix, k.signature())
	f := columnFrame{columnKernel: k, e: e, base: map[string]reg.Register{}, index: e.GP64(), left: e.GP64(), stride: e.GP64()}
	for _, name := range strings.Fields(k.write + " " + k.read + " " + k.row) {
		f.base[name] = f.e.Load(f.e.Param(name).Base(), f.e.GP64())
	}
	f.e.Load(f.e.Param(strings.Fields(k.write)[0]).Len(), f.left)
	f.e.MOVQ(f.left, f.stride)
	f.e.SHLQ(operand.Imm(2), f.stride)
	f.e.XORQ(f.index, f.index)

	vectors := 2
	if wide {
		vectors = 4
	}
	lanes := f.e.lanes()
	f.e.Label("block")
	f.e.CMPQ(f.left, operand.Imm(uint64(vectors*lanes)))
	f.e.JLT(operand.LabelRef("narrow"))
	f.block("blockRow", vectors)
	f.e.ADDQ(operand.Imm(uint64(vectors*lanes)), f.index)
	f.e.SUBQ(operand.Imm(uint64(vectors*lanes)), f.left)
	f.e.JMP(operand.LabelRef("block"))

	f.e.Label("narrow")
	f.e.TESTQ(f.left, f.left)
	f.e.JLE(operand.LabelRef("done"))
	n, whole := f.e.GP64(), f.e.GP64()
	f.e.MOVQ(operand.U32(lanes), whole)
	f.e.MOVQ(f.left, n)
	f.e.CMPQ(n, whole)
	f.e.CMOVQGT(whole, n)
	f.e.active = f.e.newMask()
	f.e.setFirst(f.e.active, n)
	f.block("narrowRow", 1)
	f.e.ADDQ(n, f.index)
	f.e.SUBQ(n, f.left)
	f.e.JMP(operand.LabelRef("narrow"))
	f.e.Label("done")
	f.e.VZEROUPPER()
	f.e.RET()
}

// block sums some vectors of columns over all rows.
func (f *columnFrame) block(label string, vectors int) {
	read, write := strings.Fields(f.read), strings.Fields(f.write)
	sums := make([][]op, vectors)
	fixed := make([][]op, vectors)
	for v := range vectors {
		for range write {
			sums[v] = append(sums[v], f.e.zero())
		}
		for _, name := range strings.Fields(f.row) {
			fixed[v] = append(fixed[v], f.load(f.base[name], f.index, v))
		}
	}
	rows := f.e.Load(f.e.Param("rows"), f.e.GP64())
	at := make([]reg.Register, len(read))
	for i, name := range read {
		p := f.e.GP64()
		f.e.LEAQ(operand.Mem{Base: f.base[name], Index: f.index, Scale: 4}, p)
		at[i] = p
	}
	f.e.Label(label)
	for v := range vectors {
		var in []op
		for _, p := range at {
			in = append(in, f.load(p, nil, v))
		}
		f.e.acc = sums[v]
		f.body(f.e, append(in, fixed[v]...))
	}
	for _, p := range at {
		f.e.ADDQ(f.stride, p)
	}
	f.e.DECQ(rows)
	f.e.JNZ(operand.LabelRef(label))
	for v := range vectors {
		for i, name := range write {
			m := operand.Mem{Base: f.base[name], Index: f.index, Scale: 4, Disp: v * f.e.bytes()}
			total := f.e.add(f.load(f.base[name], f.index, v), sums[v][i])
			if f.e.active != nil {
				f.e.storeMasked(total, m)
			} else {
				f.e.VMOVUPS(total, m)
			}
		}
	}
}

func (f *columnFrame) load(base, index reg.Register, v int) op {
	m := operand.Mem{Base: base, Disp: v * f.e.bytes()}
	if index != nil {
		m.Index, m.Scale = index, 4
	}
	d := f.e.vec()
	if f.e.active != nil {
		f.e.loadMasked(m, d)
	} else {
		f.e.VMOVUPS(m, d)
	}
	return d
}
