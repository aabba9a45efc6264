package modelgen

import (
	"slices"

	"onnxcompress/graph/tensor"
)

// attention attends over the steps with any number of heads: projections
// apart or packed, keys and values shared by groups of heads, queries and keys
// rotated or normalised, scores scaled and masked.
func attention(g *generator, x val) val {
	h, n := pick(g, []int64{1, 2, 3, 4}), pick(g, []int64{2, 4, 6})
	y := x
	if g.chance(50) {
		y = g.layerNorm(y)
	}
	q, k, v := g.project(y, h, n)
	if n%2 == 0 && g.chance(30) {
		q, k = g.rotate(q), g.rotate(k)
	}
	if g.chance(15) {
		q, k = g.layerNorm(q), g.layerNorm(k)
	}
	out := g.unheads(g.attend(q, k, v, n), x)
	if g.chance(15) {
		return out
	}
	out = g.linear(out, x.last())
	if g.chance(80) {
		return g.binary("Add", out, x)
	}
	return out
}

// project makes queries, keys and values of shape [B, heads, T, n].
func (g *generator) project(x val, h, n int64) (q, k, v val) {
	switch g.IntN(4) {
	case 0:
		return g.packed(x, h, n)
	case 1:
		parts := g.split(g.linear(x, 3*h*n), 2, h*n, h*n, h*n)
		return g.heads(parts[0], h, n, x), g.heads(parts[1], h, n, x), g.heads(parts[2], h, n, x)
	case 2:
		if g.opset >= 8 && h > 1 {
			return g.shared(x, h, n)
		}
	}
	return g.heads(g.linear(x, h*n), h, n, x), g.heads(g.linear(x, h*n), h, n, x), g.heads(g.linear(x, h*n), h, n, x)
}

// packed reshapes one projection to [B, T, 3, heads, n], as timm does.
func (g *generator) packed(x val, h, n int64) (q, k, v val) {
	y := g.reshape(g.linear(x, 3*h*n), []int64{x.shape[0], x.shape[1], 3, h, n}, x)
	y = g.transpose(y, 2, 0, 3, 1, 4)
	return g.take(y, 0, 0), g.take(y, 0, 1), g.take(y, 0, 2)
}

// shared has fewer heads of keys and values than of queries.
func (g *generator) shared(x val, h, n int64) (q, k, v val) {
	kv := g.divisor(h)
	q = g.heads(g.linear(x, h*n), h, n, x)
	repeat := func() val {
		y := g.heads(g.linear(x, kv*n), kv, n, x)
		if kv == 1 && g.chance(50) {
			return y
		}
		y = g.unsqueeze(y, 2)
		y = g.expand(y, []int64{x.shape[0], kv, h / kv, x.shape[1], n}, x)
		return g.reshape(y, []int64{x.shape[0], h, x.shape[1], n}, x)
	}
	return q, repeat(), repeat()
}

// rotate turns pairs of head dimensions by the position.
func (g *generator) rotate(x val) val {
	n, t := x.last(), x.shape[2]
	var turned val
	if g.chance(60) {
		a, b := g.slice(x, 3, 0, n/2, 1), g.slice(x, 3, n/2, n, 1)
		turned = g.concat(3, g.unary("Neg", b), a)
	} else {
		parts := g.split(x, 3, n/2, n/2)
		turned = g.concat(3, g.unary("Neg", parts[1]), parts[0])
	}
	shape := []int64{n}
	if t > 0 {
		shape = []int64{1, 1, t, n}
	}
	cos := val{g.node("Mul", []string{x.name, g.bias(shape)}), x.shape}
	sin := val{g.node("Mul", []string{turned.name, g.bias(shape)}), x.shape}
	return g.binary("Add", cos, sin)
}

// attend is softmax(q kᵀ / √n) v.
func (g *generator) attend(q, k, v val, n int64) val {
	shape := append(slices.Clone(q.shape[:3]), v.last())
	if g.opset >= 23 && q.shape[1] == k.shape[1] && q.shape[1] == v.shape[1] && g.chance(50) {
		return val{g.node("Attention", []string{q.name, k.name, v.name}), shape}
	}
	scale := func(x val) val {
		if g.chance(30) {
			return g.derived(x, n)
		}
		return g.times("Mul", x, 0.5)
	}
	before := g.chance(40)
	if before {
		q = scale(q)
	}
	scores := val{g.node("MatMul", []string{q.name, g.flipped(k).name}), []int64{q.shape[0], q.shape[1], q.shape[2], k.shape[2]}}
	if !before {
		scores = scale(scores)
	}
	scores = g.masked(scores)
	p := g.unary("Softmax", scores, attr("axis", 3))
	return val{g.node("MatMul", []string{p.name, v.name}), shape}
}

// derived divides by the root of a size that the graph looks up.
func (g *generator) derived(x val, n int64) val {
	if x.last() != n {
		return g.times("Div", x, 1.7)
	}
	size := g.sizeOf(x, x.rank()-1)
	root := g.node("Sqrt", []string{g.node("Cast", []string{size}, attr("to", int(tensor.Float32)))})
	return val{g.node("Div", []string{x.name, root}), x.shape}
}

// masked hides some steps, or adds a bias to the scores.
func (g *generator) masked(scores val) val {
	t := scores.last()
	if t < 0 || g.chance(50) {
		return scores
	}
	if g.opset >= 9 && g.chance(50) {
		bits := make([]byte, t*t)
		for i := range t {
			for j := range i + 1 {
				bits[i*t+j] = 1
			}
		}
		if scores.shape[2] != t {
			return scores
		}
		mask := g.constant(tensorProto(tensor.Bool, []int64{t, t}, bits))
		return val{g.node("Where", []string{mask, scores.name, g.zeroDim(-1e9)}), scores.shape}
	}
	shape := []int64{1, scores.shape[1], 1, t}
	return val{g.node("Add", []string{scores.name, g.bias(shape)}), scores.shape}
}
