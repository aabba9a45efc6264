package connection

import "onnxcompress/compress/train"

// Count is how many connections a net has.
type Count struct {
	// Total are those of the full model that are trained, and Live those of them
	// whose weight is not zero.
	Total int `json:"total"`
	Live  int `json:"live"`
	// MACs and LiveMACs are the multiplications of a sample that these make.
	MACs     float64 `json:"macs"`
	LiveMACs float64 `json:"live_macs"`
}

// Sparsity is the share of connections that are zero or gone.
func (c Count) Sparsity() float64 {
	if c.Total == 0 {
		return 0
	}
	return 1 - float64(c.Live)/float64(c.Total)
}

// Of counts the connections of a net.
func Of(n *train.Net) Count {
	var c Count
	here := map[string]bool{}
	values := n.Values()
	for _, l := range Layers(n) {
		here[n.Initializer(l.Var)] = true
		live := 0
		for _, w := range values[l.Var] {
			if w != 0 {
				live++
			}
		}
		c.Live += live
		c.LiveMACs += float64(live) * l.Uses
	}
	for _, m := range matrices(n.Graph) {
		if here[m.name] {
			c.Total += m.size
			c.MACs += float64(m.size) * m.uses
		}
	}
	return c
}

// MeanUses is how often a sample uses a connection of the full model, on average.
func MeanUses(n *train.Net) float64 {
	c := Of(n)
	if c.Total == 0 {
		return 0
	}
	return c.MACs / float64(c.Total)
}
