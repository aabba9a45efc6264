package runtime

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/loss"
)

// deep is a net of blocks, where % stands for the number of a block and ^ for
// that of the block before.
func deep(head, block, tail string, blocks int) string {
	text := head
	for i := range blocks {
		text += strings.NewReplacer("%", strconv.Itoa(i+1), "^", strconv.Itoa(i)).Replace(block)
	}
	return text + strings.ReplaceAll(tail, "^", strconv.Itoa(blocks))
}

// deepNet is a net for training on an input of that shape.
type deepNet struct {
	text  string
	shape []int64
	// least is the part of the memory that the net would like with which it has to
	// do, in parts of a hundred.
	least int64
	// loose says that some nodes run by their definitions.
	loose bool
}

var deepNets = map[string]deepNet{
	"residual": {deep(`
input x N,3,12,12
h0 = Conv x c0:w[8,3,3,3] ; pads=[1,1,1,1]
`, `
a% = Conv h^ ca%:w[8,8,3,3] ; pads=[1,1,1,1]
n% = BatchNormalization a% sa%:p[8] ba%:w[8] ma%:w[8] va%:p[8]
r% = Relu n%
b% = Conv r% cb%:w[8,8,3,3] ; pads=[1,1,1,1]
o% = BatchNormalization b% sb%:p[8] bb%:w[8] mb%:w[8] vb%:p[8]
s% = Add o% h^
h% = Relu s%
`, `
p = GlobalAveragePool h^
f = Flatten p
y = Gemm f w:w[4,8] b:w[4] ; transB=1
output y
`, 4), []int64{8, 3, 12, 12}, 50, false},
	"transformer": {deep(`
input x N,10,16
h0 = MatMul x c0:w[16,16]
`, `
l% = LayerNormalization h^ sl%:p[16] bl%:w[16]
q% = MatMul l% wq%:w[16,16]
k% = MatMul l% wk%:w[16,16]
v% = MatMul l% wv%:w[16,16]
a% = Attention q% k% v% ; q_num_heads=2 kv_num_heads=2
o% = MatMul a% wo%:w[16,16]
d% = Dropout o% f[0.3]
g% = Add d% h^
m% = LayerNormalization g% sm%:p[16] bm%:w[16]
c% = MatMul m% wi%:w[16,64]
e% = Gelu c%
u% = Dropout e% f[0.2]
j% = MatMul u% wj%:w[64,16]
h% = Add j% g%
`, `
t = ReduceMean h^ i[1] ; keepdims=0
y = MatMul t w:w[16,4]
output y
`, 3), []int64{16, 10, 16}, 33, false},
	"recurrent": {deep(`
input x 12,N,8
h0 = Tanh x
`, `
g%, t% = GRU h^ wg%:w[1,24,8] rg%:w[1,24,8] bg%:w[1,48] ; hidden_size=8
q% = Squeeze g% i[1]
d% = Dropout q% f[0.25]
h% = Add d% h^
`, `
t = ReduceMean h^ i[0] ; keepdims=0
y = MatMul t w:w[8,4]
output y
`, 4), []int64{12, 16, 8}, 50, false},
	"found as it runs": {deep(`
input x N,32
h0 = MatMul x c0:w[32,32]
`, `
e% = Sigmoid h^
d% = Cast x ; to=11
k% = Cast d% ; to=1
c% = Mul h^ k%
m% = MatMul e% wm%:w[32,32]
l% = Softmax m%
s% = MatMul l% ws%:w[32,32]
h% = Add s% c%
`, `
y = MatMul h^ w:w[32,4]
output y
`, 4), []int64{64, 32}, 50, true},
}

// training is what some steps of a training gave: gradients and weights.
func (net deepNet) training(t *testing.T, limit int64) (all [][]float32, memory int64, again int) {
	t.Helper()
	tr, err := NewTrainer(parsed(t, net.text), TrainOptions{Threads: 2, Seed: 3, MemoryLimit: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var of loss.Loss = loss.MSE{}
	var y *tensor.Tensor
	x := optest.Random(3, net.shape...)
	step := func() {
		if y == nil {
			if err := tr.Forward(x); err != nil {
				t.Fatal(err)
			}
			y = tensor.New(tensor.Float32, tr.Output().Shape...)
		}
		if _, err := tr.Gradients(of, y, x); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		step()
		for _, v := range tr.Variables() {
			all = append(all, slices.Clone(v.Grad))
			for i, g := range v.Grad {
				v.Value[i] -= 0.01 * g
			}
		}
	}
	for _, v := range tr.train.graph.Values {
		if w := tr.train.weights[v.Name]; w != nil {
			all = append(all, slices.Clone(w.Float32s()))
		}
	}
	if n := testing.AllocsPerRun(3, step); n != 0 && !net.loose {
		t.Errorf("%v allocations a step", n)
	}
	for _, s := range tr.program.backward {
		if s.repeats != nil {
			again++
		}
	}
	return all, tr.Memory(), again
}

// TestRecompute: within less memory a training gives the same, bit by bit.
func TestRecompute(t *testing.T) {
	for name, net := range deepNets {
		t.Run(name, func(t *testing.T) {
			want, whole, again := net.training(t, 0)
			if again > 0 {
				t.Fatalf("%d steps run again though there is memory", again)
			}
			for _, share := range []int64{100, 75, 50, 33} {
				if share < net.least {
					continue
				}
				limit := whole * share / 100
				got, memory, again := net.training(t, limit)
				if memory > limit {
					t.Errorf("%d %%: %d bytes of memory, more than %d", share, memory, limit)
				}
				if (again > 0) != (share < 100) {
					t.Errorf("%d %%: %d steps run again", share, again)
				}
				if !slices.EqualFunc(got, want, slices.Equal) {
					t.Errorf("%d %%: other gradients or weights", share)
				}
			}
		})
	}
}

// TestTooLittleMemory: what cannot be done is refused, and what is said to be
// enough is.
func TestTooLittleMemory(t *testing.T) {
	for name, net := range deepNets {
		if net.loose {
			continue // what a definition works on is refused by itself
		}
		t.Run(name, func(t *testing.T) {
			tr, err := NewTrainer(parsed(t, net.text), TrainOptions{MemoryLimit: 5000})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			var lack *MemoryError
			err = tr.Forward(optest.Random(3, net.shape...))
			if !errors.As(err, &lack) || lack.Limit != 5000 || strings.Contains(err.Error(), "\n") {
				t.Fatalf("5000 bytes: error %v", err)
			}
			if _, memory, again := net.training(t, lack.Least); memory > lack.Least || again == 0 {
				t.Errorf("%d bytes of memory with %d steps again, told that %d do", memory, again, lack.Least)
			}
		})
	}
}

// TestLedger: a walk counts what buffers in use take, at every step.
func TestLedger(t *testing.T) {
	for name, net := range deepNets {
		t.Run(name, func(t *testing.T) {
			tr, err := NewTrainer(parsed(t, net.text), TrainOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			if err := tr.Forward(optest.Random(3, net.shape...)); err != nil {
				t.Fatal(err)
			}
			p := tr.program
			plain := p.backward
			p.unused()
			w := newWalk(p.account())
			rng := rand.New(rand.NewPCG(1, 1))
			for range 20 {
				for i, e := range w.forward {
					if e.free {
						w.modes[i] = mode(rng.IntN(3))
					}
				}
				if w.over(0) == endless {
					continue
				}
				p.backward = repeating(p.steps, plain, w.order)
				live := make([]int64, len(w.tall))
				for _, b := range p.live() {
					for at := b.first; at <= b.last && at < len(live); at++ {
						live[at] += rounded(b.floats)
					}
				}
				if !slices.Equal(live, w.tall) {
					t.Fatalf("in use are %v, counted %v", live, w.tall)
				}
			}
		})
	}
}

// TestSqueezed: buffers that are in use together lie apart, below the size that is
// told.
func TestSqueezed(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for range 50 {
		var list []*buffer
		most := make([]int64, 60)
		for range 40 {
			b := &buffer{floats: rng.Int64N(1000), first: rng.IntN(50)}
			b.last = b.first + rng.IntN(10)
			for at := b.first; at <= b.last; at++ {
				most[at] += rounded(b.floats)
			}
			list = append(list, b)
		}
		simple, err := arena(list)
		if err != nil {
			t.Fatal(err)
		}
		size, err := squeezed(list, slices.Max(most))
		if err != nil || size > simple {
			t.Fatalf("size %d, %d where nothing is squeezed (%v)", size, simple, err)
		}
		for i, a := range list {
			if a.offset+a.floats > size {
				t.Fatalf("a buffer ends at %d, behind %d", a.offset+a.floats, size)
			}
			for _, b := range list[:i] {
				if a.first <= b.last && b.first <= a.last && a.offset < b.offset+b.floats && b.offset < a.offset+a.floats {
					t.Fatalf("%+v and %+v overlap", a, b)
				}
			}
		}
	}
}
