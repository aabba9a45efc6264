package modelgen

import (
	"maps"
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// maxElements bounds what one node of a random model may make, at batch one.
const maxElements = 1024

// step makes a value from x and from others of the pool, or declines.
type step struct {
	name string
	make func(g *generator, p *pool, x val) (val, bool)
}

// pool holds the values that later nodes may read, in order of birth.
type pool struct {
	values []val
	read   map[string]bool
}

func (p *pool) add(v val) { p.values = append(p.values, v) }

// pick prefers young values, so that models grow deep.
func (p *pool) pick(g *generator) val {
	i := len(p.values) - 1
	for i > 0 && g.chance(40) {
		i--
	}
	p.read[p.values[i].name] = true
	return p.values[i]
}

// find returns a random value that fits, if there is one.
func (p *pool) find(g *generator, fits func(val) bool) (val, bool) {
	var list []val
	for _, v := range p.values {
		if fits(v) {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return val{}, false
	}
	v := pick(g, list)
	p.read[v.name] = true
	return v, true
}

// Nodes returns a random model of single operators.
func Nodes(seed uint64) *onnx.ModelProto {
	g := newGenerator(seed)
	p := &pool{read: map[string]bool{}}
	b := pick(g, []int64{2, 3, freeBatch, freeBatch})
	for range 1 + g.IntN(2) {
		g.begin(p, b)
	}
	want := 4 + g.IntN(14)
	for range 200 {
		if want == 0 {
			break
		}
		if y, ok := g.step(p); ok {
			p.add(y)
			want--
		}
	}
	g.end(p)
	return g.model()
}

// lastOpset is the newest opset in which onnxruntime implements an operator,
// for those that it has not carried on since, and for Bernoulli, which it makes
// of them.
var lastOpset = map[string]int{
	"Bernoulli": 21, "RandomNormal": 21, "RandomNormalLike": 21, "RandomUniform": 21, "RandomUniformLike": 21,
}

// runs reports whether onnxruntime implements nodes in the model's opset.
func (g *generator) runs(nodes []*onnx.NodeProto) bool {
	return !slices.ContainsFunc(nodes, func(n *onnx.NodeProto) bool {
		last, ends := lastOpset[n.GetOpType()]
		return ends && g.opset > last
	})
}

// step tries a random step; trained layers come up more often than the list
// has them, because without them there is nothing to prune. What a step added
// is taken back where it declined or cannot run.
func (g *generator) step(p *pool) (val, bool) {
	list := steps
	if g.chance(35) {
		list = layers
	}
	x := p.pick(g)
	born, weights := len(p.values), maps.Clone(g.weights)
	nodes, constants, inputs := len(g.graph.Node), len(g.graph.Initializer), len(g.graph.Input)
	y, ok := pick(g, list).make(g, p, x)
	if ok && y.small() && g.runs(g.graph.Node[nodes:]) {
		return y, true
	}
	p.values, g.weights = p.values[:born], weights
	g.graph.Node, g.graph.Initializer, g.graph.Input = g.graph.Node[:nodes], g.graph.Initializer[:constants], g.graph.Input[:inputs]
	return val{}, false
}

// small reports whether a value is one that models are continued with.
func (v val) small() bool {
	n := int64(1)
	for _, d := range v.shape {
		if d < merged || d == 0 {
			return false
		}
		n *= max(d, 1)
	}
	return n <= maxElements && v.rank() <= 6
}

// begin adds an input and a first layer.
func (g *generator) begin(p *pool, b int64) {
	shape := []int64{b}
	for range 1 + g.IntN(3) {
		shape = append(shape, pick(g, []int64{2, 3, 4, 6}))
	}
	x := g.input(tensor.Float32, shape...)
	if len(shape) > 2 && g.chance(50) {
		p.add(g.conv(x, g.width(), false))
		return
	}
	p.add(g.linear(x, g.width()))
}

// end makes outputs of the values that nothing reads: most by a layer that
// leaves their channels free.
func (g *generator) end(p *pool) {
	made := 0
	for _, v := range slices.Backward(p.values) {
		if made > 0 && (p.read[v.name] || made == 3) {
			continue
		}
		made++
		switch {
		case v.rank() >= 2 && v.last() > 0 && g.chance(85):
			w := val{g.weight(v.last(), v.last(), 3), []int64{v.last(), 3}}
			v = g.matmul(v, w)
		case v.rank() > 3 && v.rank() < 6 && v.shape[1] > 0 && g.chance(50):
			v = g.pointwise(v, 2)
		}
		g.output(v, tensor.Float32)
	}
}

// sized lists the axes of a known size of at least n.
func (v val) sized(n int64) []int {
	var axes []int
	for axis, d := range v.shape {
		if d >= n {
			axes = append(axes, axis)
		}
	}
	return axes
}

// isImage reports whether x has channels and places of known number.
func (v val) isImage() bool {
	if v.rank() < 3 || v.rank() > 5 {
		return false
	}
	for _, d := range v.shape[1:] {
		if d < 1 {
			return false
		}
	}
	return true
}

// with is the shape with another size along one axis.
func (v val) with(axis int, size int64) []int64 {
	shape := slices.Clone(v.shape)
	shape[axis] = size
	return shape
}
