package train

import (
	"slices"

	"onnxcompress/compress/compact"
	"onnxcompress/compress/optim"
	"onnxcompress/runtime"
)

// succession takes arrays laid out as the variables of one compact model are to
// those of the next.
type succession struct {
	net *Net
	// heirs are, for each variable of the next model, the number of the one it
	// comes from, -1 for none, and the cuts of both.
	heirs []heir
}

type heir struct {
	from          int
	before, after compact.Origin
}

func (n *Net) succession(origins map[string]compact.Origin, next []runtime.Variable) succession {
	now := map[string]int{}
	for i, v := range n.Variables() {
		now[n.origin(v.Name).Name] = i
	}
	s := succession{net: n}
	for _, v := range next {
		h := heir{from: -1, after: compact.Origin{Name: v.Name}}
		if from, ok := origins[v.Name]; ok {
			h.after = from
		}
		if k, ok := now[h.after.Name]; ok {
			h.from, h.before = k, n.origin(n.Variables()[k].Name)
		}
		s.heirs = append(s.heirs, h)
	}
	return s
}

// memories are what an optimiser keeps.
func (s succession) memories(old []optim.Memory) []optim.Memory {
	if old == nil {
		return nil
	}
	list := make([]optim.Memory, len(s.heirs))
	for i, h := range s.heirs {
		if h.from < 0 {
			continue
		}
		list[i].Steps = old[h.from].Steps
		for _, moment := range old[h.from].Moments {
			list[i].Moments = append(list[i].Moments, s.cut(h, moment))
		}
	}
	return list
}

func (s succession) arrays(old Arrays) Arrays {
	list := make(Arrays, len(s.heirs))
	for i, h := range s.heirs {
		if h.from >= 0 && old[h.from] != nil {
			list[i] = s.cut(h, old[h.from])
		}
	}
	return list
}

// cut takes an array from one cut of a weight to another.
func (s succession) cut(h heir, values []float32) []float32 {
	full := s.net.full[h.before.Name]
	whole := values
	if h.before.Kept != nil {
		whole = make([]float32, full.Len())
		eachKept(full.Shape, h.before.Kept, func(at, to, run int) { copy(whole[at:at+run], values[to:to+run]) })
	}
	if h.after.Kept == nil {
		return slices.Clone(whole)
	}
	part := make([]float32, 0, len(values))
	eachKept(full.Shape, h.after.Kept, func(at, _, run int) { part = append(part, whole[at:at+run]...) })
	return part
}
