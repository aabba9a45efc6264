package connection

import (
	"slices"

	"onnxcompress/compress/train"
)

// Mask holds connections at zero, and gives them back the weights they had. It
// goes with a method that is a train.Carrier, from step to step.
type Mask struct {
	// live is 1 for a live connection and 0 for a masked one, aside what a masked
	// one weighed; nil for variables that are not masked.
	live, aside train.Arrays
	layers      []Layer
	total       int
}

// Ready begins with all connections live. It does nothing if the mask is in use.
func (m *Mask) Ready(n *train.Net) {
	if m.layers == nil {
		m.layers = Layers(n)
		m.total = Of(n).Total
	}
	if m.live != nil {
		return
	}
	m.live, m.aside = m.Arrays(n, 1), m.Arrays(n, 0)
}

// Arrays are filled with a number for each variable that is masked.
func (m *Mask) Arrays(n *train.Net, x float32) train.Arrays {
	list := make(train.Arrays, len(n.Variables()))
	for _, l := range m.layers {
		list[l.Var] = slices.Repeat([]float32{x}, l.Size)
	}
	return list
}

// Layers are those that are masked.
func (m *Mask) Layers() []Layer { return m.layers }

// Total counts the connections of the full model.
func (m *Mask) Total() int { return m.total }

// Live tells, for each connection of a variable, whether it is live by 1 or 0.
func (m *Mask) Live(variable int) []float32 { return m.live[variable] }

// Weigh writes what the connections of a layer weigh, masked or not.
func (m *Mask) Weigh(n *train.Net, l Layer, to []float32) {
	copy(to, n.Variables()[l.Var].Value)
	aside := m.aside[l.Var]
	for i, live := range m.live[l.Var] {
		if live == 0 {
			to[i] = aside[i]
		}
	}
}

// Silence clears the gradients of masked connections.
func (m *Mask) Silence(n *train.Net) {
	for _, l := range m.layers {
		grad := n.Variables()[l.Var].Grad
		if grad == nil {
			continue
		}
		for i, live := range m.live[l.Var] {
			if live == 0 {
				grad[i] = 0
			}
		}
	}
}

// Turn masks connections with a negative score after a step of the optimiser, and
// holds them. One that is masked keeps its weight to the bit until it is live
// again.
func (m *Mask) Turn(s *train.Step, scores train.Arrays) {
	for _, l := range m.layers {
		value, live, aside := s.Net.Variables()[l.Var].Value, m.live[l.Var], m.aside[l.Var]
		for i, score := range scores[l.Var] {
			switch {
			case live[i] != 0 && score < 0:
				live[i], aside[i] = 0, value[i]
			case live[i] == 0 && score >= 0:
				live[i], value[i] = 1, aside[i]
			}
		}
	}
	m.Hold(s)
}

// Hold undoes what a step of the optimiser did to masked connections, and lets it
// forget of them.
func (m *Mask) Hold(s *train.Step) {
	for _, l := range m.layers {
		value, moments := s.Net.Variables()[l.Var].Value, s.Moments(l.Var)
		for i, live := range m.live[l.Var] {
			if live != 0 {
				continue
			}
			value[i] = 0
			for _, moment := range moments {
				moment[i] = 0
			}
		}
	}
}

// Carried implements train.Carrier.
func (m *Mask) Carried() map[string]train.Arrays {
	if m.live == nil {
		return map[string]train.Arrays{}
	}
	return map[string]train.Arrays{"live": m.live, "aside": m.aside}
}

// Carry implements train.Carrier.
func (m *Mask) Carry(arrays map[string]train.Arrays) {
	m.live, m.aside, m.layers = arrays["live"], arrays["aside"], nil
}
