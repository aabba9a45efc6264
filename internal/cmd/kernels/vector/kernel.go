package vector

import (
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A kernel is a function over slices of one length, given by what it does
// with one vector of each. Lists are separated by spaces.
type kernel struct {
	name   string
	write  string // slices that it stores; one that is also in read is updated
	read   string // slices that it loads
	row    string // those of read and write that hold one row, which serves every row of the others
	scalar string // numbers
	unroll int    // vectors per iteration, for bodies that are short

	// fold makes this kernel a reduction: how two running results combine,
	// starting from initial, as many as there are names in results.
	fold    func(e *emitter, a, b op) op
	initial float64
	results string

	// body takes the vectors of read, then those of scalar, and returns
	// those of write. It updates the running results in e.acc.
	body func(e *emitter, in []op) []op
}

// slices are the names of the slice parameters.
func (k kernel) slices() []string {
	names := strings.Fields(k.write)
	for _, s := range strings.Fields(k.read) {
		if !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	return names
}

// perRow reports whether a slice holds one row only.
func (k kernel) perRow(name string) bool {
	return slices.Contains(strings.Fields(k.row), name)
}

// signature is the Go signature.
func (k kernel) signature() string {
	s := "func(" + strings.Join(k.slices(), ", ") + " []float32"
	if k.row != "" && k.fold == nil {
		s += ", rows int"
	}
	if scalars := strings.Fields(k.scalar); len(scalars) > 0 {
		s += ", " + strings.Join(scalars, ", ") + " float32"
	}
	s += ")"
	if results := strings.Fields(k.results); len(results) > 0 {
		s += " (" + strings.Join(results, ", ") + " float32)"
	}
	return s
}

// A frame is the registers of a kernel that is being written.
type frame struct {
	kernel
	e       *emitter
	base    map[string]reg.Register
	scalars []op
	index   reg.GPVirtual // of the next element
	left    reg.GPVirtual // elements from there to the end of the row
	copies  [][]op        // of the running results, one set for each vector of an iteration
}

// emit writes the kernel for one processor level.
func (k kernel) emit(c *build.Context, wide bool, suffix string) {
	f := begin(&emitter{Context: c, wide: wide}, k, suffix)
	rows := reg.GPVirtual(nil)
	if f.manyRows() {
		rows = f.e.GP64()
		f.e.Load(f.e.Param("rows"), rows)
		f.e.Label("row")
	}
	f.e.Load(f.e.Param(f.length()).Len(), f.left)
	f.e.XORQ(f.index, f.index)
	f.run()
	if rows != nil {
		for _, name := range f.slices() {
			if !f.perRow(name) {
				f.e.LEAQ(f.at(name, 0), f.base[name])
			}
		}
		f.e.DECQ(rows)
		f.e.JNZ(operand.LabelRef("row"))
	}
	f.finish()
	f.e.VZEROUPPER()
	f.e.RET()
}

func (f *frame) manyRows() bool { return f.row != "" && f.fold == nil }

// length is the slice that says how long a row is.
func (f *frame) length() string {
	if f.row != "" {
		return strings.Fields(f.row)[0]
	}
	return f.slices()[0]
}

// begin opens the function and loads its parameters.
func begin(e *emitter, k kernel, suffix string) *frame {
	e.open(k.name+suffix, k.signature())
	f := &frame{kernel: k, e: e, base: map[string]reg.Register{}, index: e.GP64(), left: e.GP64()}
	for _, name := range k.slices() {
		f.base[name] = f.e.Load(f.e.Param(name).Base(), f.e.GP64())
	}
	for _, name := range strings.Fields(k.scalar) {
		m, err := f.e.Param(name).Resolve()
		if err != nil {
			fail("%s: %v", k.name, err)
		}
		d := f.e.vec()
		f.e.VBROADCASTSS(m.Addr, d)
		f.scalars = append(f.scalars, d)
	}
	e.active = e.newMask()
	if f.fold != nil {
		f.e.setAll(f.e.active)
		for range max(f.unroll, 1) {
			var set []op
			for range strings.Fields(f.results) {
				if f.initial == 0 {
					set = append(set, f.e.zero())
				} else {
					set = append(set, f.e.copy(f.e.num(f.initial)))
				}
			}
			f.copies = append(f.copies, set)
		}
	}
	return f
}

// at is the address of the vector that lies v vectors further on.
func (f *frame) at(name string, v int) operand.Mem {
	return operand.Mem{Base: f.base[name], Index: f.index, Scale: 4, Disp: v * f.e.bytes()}
}

// run writes the loops over one row: whole iterations, then single vectors,
// the last of which may be partial. Complete and partial vectors share one
// body, since bodies are long and the branch around it is foreseeable.
func (f *frame) run() {
	e, lanes := f.e, f.e.lanes()
	if f.unroll > 1 {
		f.e.Label("block")
		f.e.CMPQ(f.left, operand.Imm(uint64(f.unroll*lanes)))
		f.e.JLT(operand.LabelRef("single"))
		for v := range f.unroll {
			f.step(v, f.load(v), f.store)
		}
		f.advance(f.unroll * lanes)
		f.e.JMP(operand.LabelRef("block"))
	}
	f.e.Label("single")
	f.e.CMPQ(f.left, operand.Imm(uint64(lanes)))
	f.e.JLT(operand.LabelRef("partial"))
	in := f.load(0)
	f.e.Label("body")
	e.masked = f.fold != nil
	f.step(0, in, func(_ int, out []op) {
		f.e.CMPQ(f.left, operand.Imm(uint64(lanes)))
		f.e.JLT(operand.LabelRef("last"))
		f.store(0, out)
		f.advance(lanes)
		f.e.JMP(operand.LabelRef("single"))
		f.e.Label("last")
		f.storeMasked(out)
		f.e.ADDQ(f.left, f.index)
		f.e.JMP(operand.LabelRef("done"))
	})
	e.masked = false
	f.e.Label("partial")
	f.e.TESTQ(f.left, f.left)
	f.e.JLE(operand.LabelRef("done"))
	e.setFirst(e.active, f.left)
	f.loadMasked(in)
	f.e.JMP(operand.LabelRef("body"))
	f.e.Label("done")
}

// step runs the body on one vector with its own running results.
func (f *frame) step(v int, in []op, store func(int, []op)) {
	if f.fold != nil {
		f.e.acc = f.copies[v]
	}
	store(v, f.body(f.e, append(slices.Clone(in), f.scalars...)))
}

func (f *frame) advance(n int) {
	f.e.ADDQ(operand.Imm(uint64(n)), f.index)
	f.e.SUBQ(operand.Imm(uint64(n)), f.left)
}

func (f *frame) load(v int) []op {
	var in []op
	for _, name := range strings.Fields(f.read) {
		d := f.e.vec()
		f.e.VMOVUPS(f.at(name, v), d)
		in = append(in, d)
	}
	return in
}

func (f *frame) loadMasked(in []op) {
	for i, name := range strings.Fields(f.read) {
		f.e.loadMasked(f.at(name, 0), in[i])
	}
}

func (f *frame) store(v int, out []op) {
	for i, name := range strings.Fields(f.write) {
		f.e.VMOVUPS(out[i], f.at(name, v))
	}
}

func (f *frame) storeMasked(out []op) {
	for i, name := range strings.Fields(f.write) {
		f.e.storeMasked(out[i], f.at(name, 0))
	}
}

// finish combines the running results and returns them.
func (f *frame) finish() {
	for r := range strings.Fields(f.results) {
		// In pairs, so that few additions wait for one another.
		sets := f.copies
		for n := len(sets) / 2; n > 0; n /= 2 {
			for i := range n {
				sets[i][r] = f.fold(f.e, sets[i][r], sets[i+n][r])
			}
		}
		total := sets[0][r]
		for _, turned := range f.e.turns() {
			total = f.fold(f.e, total, turned(total))
		}
		result, err := f.e.ReturnIndex(r).Resolve()
		if err != nil {
			fail("%s: %v", f.name, err)
		}
		f.e.VMOVSS(total.(reg.VecVirtual).AsX(), result.Addr)
	}
}
