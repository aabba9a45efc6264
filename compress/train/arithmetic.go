package train

// Arrays are numbers laid out as the variables of a net, one array for each.
type Arrays = [][]float32

// Values are the variables themselves.
func (n *Net) Values() Arrays {
	list := make(Arrays, len(n.Variables()))
	for i, v := range n.Variables() {
		list[i] = v.Value
	}
	return list
}

// Gradients are those of the last step, nil for a variable that has none.
func (n *Net) Gradients() Arrays {
	list := make(Arrays, len(n.Variables()))
	for i, v := range n.Variables() {
		list[i] = v.Grad
	}
	return list
}

// Dot is, for every group, the sum of the products of a and b over the group's
// elements on a side. Where one has no array there is nothing to add. Elements
// that lie in several slices of a group on one side count once in each.
func (n *Net) Dot(a, b Arrays, side Side) []float64 {
	sums := make([]float64, len(n.Graph.Groups))
	for k := range n.slices {
		s := &n.slices[k]
		x, y := a[s.Var], b[s.Var]
		if !s.of(side) || x == nil || y == nil {
			continue
		}
		s.runs(len(x), func(group int32, lo, hi int) {
			sum := 0.0
			for i := lo; i < hi; i++ {
				sum += float64(x[i]) * float64(y[i])
			}
			sums[group] += sum
		})
	}
	return sums
}

// Elements counts, for every group, its elements on a side.
func (n *Net) Elements(side Side) []int {
	counts := make([]int, len(n.Graph.Groups))
	for k := range n.slices {
		s := &n.slices[k]
		if s.of(side) {
			s.runs(len(n.Variables()[s.Var].Value), func(group int32, lo, hi int) { counts[group] += hi - lo })
		}
	}
	return counts
}

// Add adds factor[group]·x to the elements of every group on a side whose factor
// is not zero.
func (n *Net) Add(factor []float64, x Arrays, side Side) {
	for k := range n.slices {
		s := &n.slices[k]
		v, from := n.Variables()[s.Var].Value, x[s.Var]
		if !s.of(side) || from == nil {
			continue
		}
		s.runs(len(v), func(group int32, lo, hi int) {
			f := float32(factor[group])
			if f == 0 {
				return
			}
			for i := lo; i < hi; i++ {
				v[i] += f * from[i]
			}
		})
	}
}

// Scale multiplies the elements of every group on a side with factor[group].
func (n *Net) Scale(factor []float64, side Side) {
	for k := range n.slices {
		s := &n.slices[k]
		if !s.of(side) {
			continue
		}
		v := n.Variables()[s.Var].Value
		s.runs(len(v), func(group int32, lo, hi int) {
			f := float32(factor[group])
			if f == 1 {
				return
			}
			for i := lo; i < hi; i++ {
				v[i] *= f
			}
		})
	}
}
