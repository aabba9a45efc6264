package depgraph

// forest is a union-find with path halving.
type forest []int32

func newForest(n int) forest {
	f := make(forest, n)
	for i := range f {
		f[i] = int32(i)
	}
	return f
}

func (f forest) root(i int32) int32 {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

// unite keeps the smaller root, so that results do not depend on the order of
// links.
func (f forest) unite(a, b int32) {
	a, b = f.root(a), f.root(b)
	switch {
	case a < b:
		f[b] = a
	case b < a:
		f[a] = b
	}
}
