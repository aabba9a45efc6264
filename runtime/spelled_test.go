package runtime

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"onnxcompress/graph/op/optest"
)

// heads are the ways in which graphs make queries q, keys in columns k, and values
// v of x, [%b,%n,8]; %d stands for the size of a head, %h for their number.
var heads = map[string]string{
	"packed": `
		a = MatMul x w[8,%w]
		b = Reshape a i[%b,%n,3,%h,%d]
		e = Transpose b ; perm=[2,0,3,1,4]
		q1, k1, v1 = Split e ; axis=0
		q = Squeeze q1 i[0]
		k2 = Squeeze k1 i[0]
		v = Squeeze v1 i[0]
		k = Transpose k2 ; perm=[0,1,3,2]`,
	"picked": `
		a = MatMul x w[8,%w]
		b = Reshape a i[%b,%n,%h,3,%d]
		e = Transpose b ; perm=[3,0,2,1,4]
		q2 = Gather e i[0] ; axis=0
		k2 = Gather e i[-2] ; axis=0
		v2 = Gather e i[2] ; axis=0
		q = Squeeze q2 i[0]
		k0 = Squeeze k2 i[0]
		v = Squeeze v2 i[0]
		k = Transpose k0 ; perm=[0,1,3,2]`,
	"split": `
		a = MatMul x w[8,%w]
		q1, k1, v1 = Split a ; axis=2
		q2 = Reshape q1 i[%b,%n,%h,%d]
		k2 = Reshape k1 i[%b,%n,%h,%d]
		v2 = Reshape v1 i[%b,%n,%h,%d]
		q = Transpose q2 ; perm=[0,2,1,3]
		k = Transpose k2 ; perm=[0,2,3,1]
		v = Transpose v2 ; perm=[0,2,1,3]`,
	"apart": `
		q1 = MatMul x w[8,%v]
		k1 = MatMul x w[8,%v]
		v1 = MatMul x w[8,%v]
		q2 = Reshape q1 i[%b,%n,%h,%d]
		k2 = Reshape k1 i[%b,%n,%h,%d]
		v2 = Reshape v1 i[%b,%n,%h,%d]
		q = Transpose q2 ; perm=[0,2,1,3]
		k = Transpose k2 ; perm=[0,2,3,1]
		v = Transpose v2 ; perm=[0,2,1,3]`,
	"one head of keys": `
		q1 = MatMul x w[8,%v]
		k1 = MatMul x w[8,%d]
		v1 = MatMul x w[8,%d]
		q2 = Reshape q1 i[%b,%n,%h,%d]
		k2 = Reshape k1 i[%b,%n,1,%d]
		v2 = Reshape v1 i[%b,%n,1,%d]
		q = Transpose q2 ; perm=[0,2,1,3]
		k = Transpose k2 ; perm=[0,2,3,1]
		v = Transpose v2 ; perm=[0,2,1,3]`,
	"one for all": `
		q1 = MatMul x w[8,%v]
		q2 = Reshape q1 i[%b,%n,%h,%d]
		q = Transpose q2 ; perm=[0,2,1,3]
		k = Transpose q2 ; perm=[0,2,3,1]
		v = Transpose q2 ; perm=[0,2,1,3]`,
}

// scales and masks are what graphs do to the products s0 of queries and keys on
// the way to s.
var scales = map[string]string{
	"none":   `s1 = Identity s0`,
	"times":  `s1 = Mul f[0.4] s0`,
	"over":   `s1 = Div s0 f[3.0]`,
	"before": `s1 = Identity s0`, // the queries and keys are scaled
}

var masks = map[string]string{
	"none":     `s = Identity s1`,
	"steps":    `s = Add s1 w[%n,%n]`,
	"heads":    `s = Add w[1,%h,%n,%n] s1`,
	"samples":  `s = Add s1 w[%b,1,1,%n]`,
	"each":     `s = Add w[%b,%h,%n,%n] s1`,
	"hidden":   "g = Less c:w[%n,%n] f[0.7]\ns = Where g s1 f[-Inf]",
	"far away": "g = Greater c:w[%b,1,%n,%n] f[0.0]\ns = Where g f[-2.0] s1",
}

// TestSpelled: attention that several nodes spell out is what they compute one by
// one, gradients too, in one step without copies, whatever the heads' order, the
// place of the scale and the mask.
func TestSpelled(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for how, operands := range heads {
		for scale, scaled := range scales {
			for mask, masked := range masks {
				h, d := 1+rng.Int64N(4), 1+rng.Int64N(9)
				sizes := strings.NewReplacer("%b", fmt.Sprint(1+rng.Int64N(3)), "%n", fmt.Sprint(2+rng.Int64N(40)),
					"%h", fmt.Sprint(h), "%d", fmt.Sprint(d), "%v", fmt.Sprint(h*d), "%w", fmt.Sprint(3*h*d))
				product := "s0 = MatMul q k"
				if scale == "before" {
					product = "q9 = Mul q f[0.5]\nk9 = Mul f[0.6] k\ns0 = MatMul q9 k9"
				}
				shares := "p1 = Cast p ; to=1"
				if rng.IntN(2) == 0 {
					shares = "g1 = IsNaN p\np1 = Where g1 f[0.0] p"
				}
				text := []string{"input x %b,%n,8", operands, product, scaled, masked, "p = Softmax s ; axis=-1", shares, `
					o = MatMul p1 v
					o1 = Transpose o ; perm=[0,2,1,3]
					y = Reshape o1 i[%b,%n,%v]
					output y`}
				t.Run(how+"/"+scale+"/"+mask, func(t *testing.T) {
					alikeApart(t, sizes.Replace(strings.Join(text, "\n")), strings.Count(operands, "MatMul")+1)
				})
			}
		}
	}
}

// TestNotSpelled: what only looks like attention is computed as it is written.
func TestNotSpelled(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		steps int
	}{
		"the mask is scaled, too": {`
			s = MatMul q k
			a = Add s w[3,5,5]
			b = Mul a f[0.5]
			p = Softmax b ; axis=-1
			y = MatMul p v`, 6},
		"shares of another axis": {`
			s = MatMul q k
			p = Softmax s ; axis=-2
			y = MatMul p v`, 5},
		"shares read twice": {`
			s = MatMul q k
			p = Softmax s ; axis=-1
			o = MatMul p v
			r = MatMul p q
			y = Add o r`, 7},
		"scores read twice": {`
			s = MatMul q k
			p = Softmax s ; axis=-1
			o = MatMul p v
			r = MatMul s q
			y = Add o r`, 7},
		"values before shares": {`
			s = MatMul q k
			p = Softmax s ; axis=-1
			y = MatMul v9:w[3,4,5] p`, 4},
		"scaled by what is learnt": {`
			s = MatMul q k
			a = Mul s w[1]
			p = Softmax a ; axis=-1
			y = MatMul p v`, 6},
		"a mask for each query": {`
			s = MatMul q k
			a = Add s w[3,5,1]
			p = Softmax a ; axis=-1
			y = MatMul p v`, 6},
		"scores that grow": {`
			s = MatMul q k
			a = Add s w[2,3,5,5]
			p = Softmax a ; axis=-1
			y = MatMul p v`, 6},
		"shares that grow": {`
			s = MatMul q k
			p = Softmax s ; axis=-1
			y = MatMul p w[2,3,5,4]`, 4},
	} {
		t.Run(name, func(t *testing.T) {
			alikeApart(t, `
				input x 3,5,8
				q = MatMul x w[8,4]
				v = MatMul x w[8,4]
				k = Transpose q ; perm=[0,2,1]
				`+c.text+`
				output y`, c.steps)
		})
	}
}

// TestMended: what attends to nothing has zeros where the graph mends its shares.
func TestMended(t *testing.T) {
	m := parsed(t, `
		input x 2,4,8
		q = MatMul x w[8,4]
		k = Transpose q ; perm=[0,2,1]
		s0 = MatMul q k
		g = Less c:w[4,4] f[100.0]
		s = Where g f[-Inf] s0
		p = Softmax s ; axis=-1
		h = IsNaN p
		p1 = Where h f[0.0] p
		y = MatMul p1 q
		output y`)
	x := optest.Random(3, 2, 4, 8)
	for _, apart := range []bool{true, false} {
		for _, v := range used(t, m, apart, x).Float32s() {
			if v != 0 {
				t.Fatalf("apart %v: %g and not 0", apart, v)
			}
		}
	}
}
