package modelgen

import (
	"slices"

	"onnxcompress/onnx"
)

// reshape gives x another shape of as many elements. Sizes are written as
// plain numbers, as 0 and -1, or as a computation from the shapes of x and of
// the values in like.
func (g *generator) reshape(x val, shape []int64, like ...val) val {
	target, ok := g.written(x, shape)
	name := ""
	if ok && !g.chance(30) {
		name = g.ints(target...)
	} else {
		name = g.computed(append([]val{x}, like...), shape)
	}
	return val{g.node("Reshape", []string{x.name, name}), shape}
}

// written is the shape as a list of numbers, if free dimensions allow one.
func (g *generator) written(x val, shape []int64) ([]int64, bool) {
	list := slices.Clone(shape)
	rest := -1
	for i, d := range shape {
		same := i < len(x.shape) && x.shape[i] == d
		switch {
		case d >= 0 && !(same && g.chance(30)):
		case same && (d >= 0 || rest >= 0 || g.chance(60)):
			list[i] = 0
		case rest < 0:
			rest, list[i] = i, -1
		default:
			return nil, false
		}
	}
	if rest < 0 && g.chance(50) {
		list[g.IntN(len(list))] = -1
	}
	return list, true
}

// computed is the shape as the graph computes it: every size a constant, or
// taken from the shape of one of the sources, or what is left over.
func (g *generator) computed(sources []val, shape []int64) string {
	parts := make([]string, len(shape))
	rest := false
	for i, d := range shape {
		parts[i] = g.size(sources, d)
		if parts[i] == "" && !rest || d >= 0 && !rest && g.chance(20) {
			rest = true
			parts[i] = g.ints(-1)
		}
	}
	return g.node("Concat", parts, attr("axis", 0))
}

// size names a list of one number, d; empty where the sources do not have it.
func (g *generator) size(sources []val, d int64) string {
	if d == merged {
		b, t := g.size(sources, freeBatch), g.size(sources, freeSteps)
		if b == "" || t == "" {
			return ""
		}
		return g.node("Mul", []string{b, t})
	}
	for _, s := range sources {
		for axis, have := range s.shape {
			switch {
			case have == d && (d < 0 || g.chance(40)):
				return g.sizeOf(s, axis)
			case have > d && d > 1 && have%d == 0 && g.chance(30):
				return g.node("Div", []string{g.sizeOf(s, axis), g.ints(have / d)})
			}
		}
	}
	if d < 0 {
		return ""
	}
	return g.ints(d)
}

// sizeOf names a list of one number, the size of an axis.
func (g *generator) sizeOf(x val, axis int) string {
	shape := g.node("Shape", []string{x.name})
	switch g.IntN(3) {
	case 0:
		return g.node("Gather", []string{shape, g.ints(int64(axis))}, attr("axis", 0))
	case 1:
		return g.slice(val{shape, []int64{int64(x.rank())}}, 0, int64(axis), int64(axis)+1, 1).name
	}
	one := g.node("Gather", []string{shape, g.int(int64(axis))}, attr("axis", 0))
	return g.unsqueeze(val{one, nil}, 0).name
}

// axesOf hands axes to an operator that takes them as an input from opset
// since on, and as an attribute before.
func (g *generator) axesOf(since int, axes ...int) (in []string, attrs []*onnx.AttributeProto) {
	list := make([]int64, len(axes))
	for i, a := range axes {
		list[i] = int64(a)
	}
	if g.opset >= since {
		return []string{g.ints(list...)}, nil
	}
	return nil, []*onnx.AttributeProto{attr("axes", list)}
}

func (g *generator) squeeze(x val, axis int) val {
	in, attrs := g.axesOf(13, axis)
	return val{g.node("Squeeze", append([]string{x.name}, in...), attrs...), slices.Delete(slices.Clone(x.shape), axis, axis+1)}
}

func (g *generator) unsqueeze(x val, axis int) val {
	in, attrs := g.axesOf(13, axis)
	return val{g.node("Unsqueeze", append([]string{x.name}, in...), attrs...), slices.Insert(slices.Clone(x.shape), axis, 1)}
}

func (g *generator) transpose(x val, perm ...int) val {
	shape, list := make([]int64, len(perm)), make([]int64, len(perm))
	for i, p := range perm {
		shape[i], list[i] = x.shape[p], int64(p)
	}
	return val{g.node("Transpose", []string{x.name}, attr("perm", list)), shape}
}

func (g *generator) concat(axis int, parts ...val) val {
	shape := slices.Clone(parts[0].shape)
	names := []string{parts[0].name}
	for _, p := range parts[1:] {
		shape[axis] += p.shape[axis]
		names = append(names, p.name)
	}
	if g.opset >= 11 && g.chance(20) {
		return val{g.node("Concat", names, attr("axis", axis-len(shape))), shape}
	}
	return val{g.node("Concat", names, attr("axis", axis)), shape}
}

func (g *generator) split(x val, axis int, sizes ...int64) []val {
	in, attrs := []string{x.name}, []*onnx.AttributeProto{attr("axis", axis)}
	even := !slices.ContainsFunc(sizes, func(n int64) bool { return n != sizes[0] })
	switch {
	case even && g.chance(50):
		if g.opset >= 18 {
			attrs = append(attrs, attr("num_outputs", len(sizes)))
		}
	case g.opset >= 13:
		in = append(in, g.ints(sizes...))
	default:
		attrs = append(attrs, attr("split", sizes))
	}
	parts := make([]val, len(sizes))
	for i, name := range g.nodes("Split", in, len(sizes), attrs...) {
		shape := slices.Clone(x.shape)
		shape[axis] = sizes[i]
		parts[i] = val{name, shape}
	}
	return parts
}

// slice takes [start, end) in steps; a negative step runs from start down to
// and without end.
func (g *generator) slice(x val, axis int, start, end, step int64) val {
	shape := slices.Clone(x.shape)
	shape[axis] = (end - start + step - sign(step)) / step
	if step < 0 && end < 0 {
		end = -1 << 31
	}
	if g.opset < 10 {
		return val{g.node("Slice", []string{x.name}, attr("starts", []int64{start}), attr("ends", []int64{end}), attr("axes", []int64{int64(axis)})), shape}
	}
	in := []string{x.name, g.ints(start), g.ints(end), g.ints(int64(axis))}
	if step != 1 || g.chance(30) {
		in = append(in, g.ints(step))
	}
	return val{g.node("Slice", in), shape}
}

func sign(x int64) int64 {
	if x < 0 {
		return -1
	}
	return 1
}

func (g *generator) gather(x val, axis int, idx []int64) val {
	shape := slices.Clone(x.shape)
	shape[axis] = int64(len(idx))
	return val{g.node("Gather", []string{x.name, g.ints(idx...)}, attr("axis", axis)), shape}
}

// take is the one index of an axis, without the axis.
func (g *generator) take(x val, axis int, i int64) val {
	shape := slices.Delete(slices.Clone(x.shape), axis, axis+1)
	if g.chance(30) {
		return g.squeeze(g.slice(x, axis, i, i+1, 1), axis)
	}
	return val{g.node("Gather", []string{x.name, g.int(i)}, attr("axis", axis)), shape}
}

// reduce applies a reduction over axes.
func (g *generator) reduce(opType string, x val, axes []int, keep bool) val {
	since := 18
	if opType == "ReduceSum" {
		since = 13
	}
	in, attrs := g.axesOf(since, axes...)
	var shape []int64
	for axis, d := range x.shape {
		switch {
		case !slices.Contains(axes, axis):
			shape = append(shape, d)
		case keep:
			shape = append(shape, 1)
		}
	}
	flag := 0
	if keep {
		flag = 1
	}
	return val{g.node(opType, append([]string{x.name}, in...), append(attrs, attr("keepdims", flag))...), shape}
}

// expand broadcasts x to a shape.
func (g *generator) expand(x val, shape []int64, like ...val) val {
	name := ""
	if slices.ContainsFunc(shape, func(d int64) bool { return d < 0 }) || g.chance(30) {
		name = g.exact(append([]val{x}, like...), shape)
	} else {
		name = g.ints(shape...)
	}
	return val{g.node("Expand", []string{x.name, name}), shape}
}

// exact is computed without any size left over.
func (g *generator) exact(sources []val, shape []int64) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		if parts[i] = g.size(sources, d); parts[i] == "" {
			parts[i] = g.ints(1)
		}
	}
	return g.node("Concat", parts, attr("axis", 0))
}
