package train

import (
	"slices"

	"onnxcompress/compress/optim"
)

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

// Direction is the way against which the optimiser has moved the variables in a
// step, per unit of the rate: nowhere at a rate of 0. Only Move may ask for it.
func (s *Step) Direction() Arrays {
	list := make(Arrays, len(s.Before))
	for i, v := range s.Net.Variables() {
		list[i] = make([]float32, len(v.Value))
		if s.LR == 0 {
			continue
		}
		for k, x := range v.Value {
			list[i][k] = float32((float64(s.Before[i][k]) - float64(x)) / s.LR)
		}
	}
	return list
}

// each visits the runs of elements [lo, hi) of a variable that a group has on a side.
func (n *Net) each(side Side, visit func(variable, group, lo, hi int)) {
	var made []bool
	if side == Own || side == Heard {
		made = n.made()
	}
	for k := range n.slices {
		s := &n.slices[k]
		if !s.of(side) {
			continue
		}
		s.runs(len(n.Variables()[s.Var].Value), func(group int32, lo, hi int) {
			if made == nil || s.Side == Makes || made[group] == (side == Heard) {
				visit(s.Var, int(group), lo, hi)
			}
		})
	}
}

// made tells which groups have elements that make their channels.
func (n *Net) made() []bool {
	made := make([]bool, len(n.Graph.Groups))
	for k := range n.slices {
		if s := &n.slices[k]; s.Side == Makes {
			for _, g := range s.Groups {
				if g >= 0 {
					made[g] = true
				}
			}
		}
	}
	return made
}

// Dot is, for every group, the sum of the products of a and b over the group's
// elements on a side. Where one has no array there is nothing to add. Elements
// that lie in several slices of a group on one side count once in each.
func (n *Net) Dot(a, b Arrays, side Side) []float64 {
	sums := make([]float64, len(n.Graph.Groups))
	n.each(side, func(variable, group, lo, hi int) {
		x, y := a[variable], b[variable]
		if x == nil || y == nil {
			return
		}
		sum := 0.0
		for i, u := range x[lo:hi] {
			sum += float64(u) * float64(y[lo+i])
		}
		sums[group] += sum
	})
	return sums
}

// Present is 1 for each element of the variables, and 0 for those that are zero for
// good but still there.
func (n *Net) Present() Arrays {
	there := make(Arrays, len(n.Variables()))
	for i, v := range n.Variables() {
		there[i] = slices.Repeat([]float32{1}, len(v.Value))
		if n.Pending() {
			n.silence(i, there[i])
		}
	}
	return there
}

// Elements counts, for every group, its elements on a side. Those that are zero
// for good do not count, whether the net has shrunk or not.
func (n *Net) Elements(side Side) []int {
	there := n.Present()
	counts := make([]int, len(n.Graph.Groups))
	for g, sum := range n.Dot(there, there, side) {
		counts[g] = int(sum)
	}
	return counts
}

// Moments are what the optimiser remembers of a variable, for a method to change;
// none before its first step.
func (s *Step) Moments(variable int) [][]float32 {
	if s.memory == nil {
		return nil
	}
	memories := s.memory()
	if variable >= len(memories) {
		return nil
	}
	return memories[variable].Moments
}

// Memory is a copy of all that the optimiser remembers.
func (s *Step) Memory() []optim.Memory {
	if s.memory == nil {
		return nil
	}
	memories := slices.Clone(s.memory())
	for i, m := range memories {
		memories[i].Moments = slices.Clone(m.Moments)
		for k, moment := range m.Moments {
			memories[i].Moments[k] = slices.Clone(moment)
		}
	}
	return memories
}

// Recall lets the optimiser remember what a copy of the same net says, so that
// what it has done since leaves no trace: nothing where the copy is empty.
func (s *Step) Recall(memories []optim.Memory) {
	if s.memory == nil {
		return
	}
	now := s.memory()
	for i := range now {
		var was optim.Memory
		if i < len(memories) {
			was = memories[i]
		}
		now[i].Steps = was.Steps
		for k, moment := range now[i].Moments {
			clear(moment)
			if k < len(was.Moments) {
				copy(moment, was.Moments[k])
			}
		}
	}
}

// Add adds factor[group]·x to the elements of every group on a side whose factor
// is not zero.
func (n *Net) Add(factor []float64, x Arrays, side Side) {
	n.each(side, func(variable, group, lo, hi int) {
		f, from := float32(factor[group]), x[variable]
		if f == 0 || from == nil {
			return
		}
		v := n.Variables()[variable].Value
		for i := lo; i < hi; i++ {
			v[i] += f * from[i]
		}
	})
}

// Scale multiplies the elements of every group on a side with factor[group].
func (n *Net) Scale(factor []float64, side Side) {
	n.each(side, func(variable, group, lo, hi int) {
		f := float32(factor[group])
		if f == 1 {
			return
		}
		v := n.Variables()[variable].Value
		for i := lo; i < hi; i++ {
			v[i] *= f
		}
	})
}
