package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestEinsumRoutine(t *testing.T) {
	sizes := map[rune]int64{'b': 2, 'h': 3, 'q': 4, 'k': 5, 'd': 6, 'i': 3, 'j': 4, 'o': 1, 'z': 0}
	shape := func(term string) (s []int64) {
		for _, r := range term {
			s = append(s, sizes[r])
		}
		return s
	}
	for _, c := range []struct {
		a, b string
		out  []string
	}{
		{"ik", "kj", []string{"ij", "ji"}},
		{"ki", "kj", []string{"ij", "ji"}},
		{"ik", "jk", []string{"ij", "ikj"}},
		{"bik", "bkj", []string{"bij", "ijb", "ij"}},
		{"bhqd", "bhkd", []string{"bhqk", "bqkh", "bhkq", "qbhk"}},
		{"bqhd", "bkhd", []string{"bhqk", "bqhk"}},
		{"bhqk", "bhkd", []string{"bqhd", "bhqd", "bdqh"}},
		{"bqhd", "hdk", []string{"bqk", "kbq"}},
		{"bqd", "dhk", []string{"bqhk", "bhqk"}},
		{"bd", "bd", []string{"b", "", "bd"}},
		{"i", "j", []string{"ij", "ji"}},
		{"ij", "ij", []string{"ij", "", "j"}},
		{"ij", "i", []string{"j", "ij", "ji"}},
		{"ijo", "ok", []string{"ijk", "kij"}},
		{"zi", "ij", []string{"zj"}},
		{"iz", "zj", []string{"ij"}},
	} {
		for _, out := range c.out {
			equation := c.a + "," + c.b + "->" + out
			in := list(optest.Random(1, shape(c.a)...), optest.Random(2, shape(c.b)...))
			optest.Run(t, optest.Case{Name: equation, Op: "Einsum", Attrs: op.Attrs{"equation": {Str: equation}}, In: in})
		}
	}
	x := optest.Random
	for _, c := range []optest.Case{
		{Attrs: op.Attrs{"equation": {Str: "...ij,...jk->...ik"}}, In: list(x(1, 2, 3, 4, 5), x(2, 2, 3, 5, 2))},
		{Name: "broadcast", Attrs: op.Attrs{"equation": {Str: "...ij,...jk->...ik"}}, In: list(x(1, 2, 1, 4, 5), x(2, 3, 5, 2))},
		{Name: "implicit", Attrs: op.Attrs{"equation": {Str: "ij,jk"}}, In: list(x(1, 2, 3), x(2, 3, 4))},
		{Name: "one", Attrs: op.Attrs{"equation": {Str: "ijk->kij"}}, In: list(x(1, 2, 3, 4))},
		{Name: "sum", Attrs: op.Attrs{"equation": {Str: "ijk->ik"}}, In: list(x(1, 2, 3, 4))},
		{Name: "sum of all", Attrs: op.Attrs{"equation": {Str: "ij->"}}, In: list(x(1, 2, 3))},
		{Name: "as it is", Attrs: op.Attrs{"equation": {Str: "ij->ij"}}, In: list(x(1, 2, 3))},
	} {
		c.Op = "Einsum"
		optest.Run(t, c)
	}
}
