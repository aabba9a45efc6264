package scl

import (
	"encoding/json"
	"maps"
	"math"
	"slices"

	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
)

// Method is a train.Method and train.Carrier. It removes no groups before the
// masks freeze; then those that have no connections left.
type Method struct {
	Options
	state
	mask connection.Mask
	// masks are the mask variables, pulls the loss's part of their descent in a
	// step, and prices those of the layers' connections.
	masks, pulls train.Arrays
	prices       []float64
	bids         []float32
}

// state is what a run goes on from besides arrays.
type state struct {
	Frozen bool `json:"frozen"`
	// Price is lambda of the last step.
	Price float64 `json:"price"`
	// Stranded are families that no path leads through any more.
	Stranded []int `json:"stranded,omitempty"`
}

// New is a method at its start.
func New(o Options) *Method { return &Method{Options: o} }

// Observe implements train.Method: what is masked has no gradient, but its mask has.
func (m *Method) Observe(s *train.Step) error {
	m.ready(s.Net)
	if !m.Frozen {
		m.pull(s.Net)
	}
	m.mask.Silence(s.Net)
	return nil
}

// ready lays masks out for the net as it is.
func (m *Method) ready(n *train.Net) {
	m.mask.Ready(n)
	if m.masks == nil && !m.Frozen {
		m.masks = m.mask.Arrays(n, float32(m.Start))
		m.close(n)
	}
	if m.prices == nil {
		m.prices = m.counted(n)
	}
}

// close masks what is zero for good.
func (m *Method) close(n *train.Net) {
	for v, present := range n.Present() {
		for i := range m.masks[v] {
			if present[i] == 0 {
				m.masks[v][i] = -1
			}
		}
	}
}

// counted are what connections of the layers count for.
func (m *Method) counted(n *train.Net) []float64 {
	prices := slices.Repeat([]float64{1}, len(m.mask.Layers()))
	if mean := connection.MeanUses(n); m.Count == MACs && mean > 0 {
		for i, l := range m.mask.Layers() {
			prices[i] = l.Uses / mean
		}
	}
	return prices
}

// Move implements train.Method.
func (m *Method) Move(s *train.Step) error {
	if m.Frozen {
		m.mask.Hold(s)
		return nil
	}
	m.Price = m.Lambda
	if m.Sparsity > 0 {
		m.Price = m.control(s)
	}
	m.descend()
	if s.N < s.At(m.Freeze) {
		if err := m.cull(s); err != nil {
			return err
		}
		m.mask.Turn(s, m.masks)
		return nil
	}
	if err := m.settle(s); err != nil {
		return err
	}
	before := s.Net.Removed()
	if err := m.cull(s); err != nil {
		return err
	}
	if s.Net.Removed() > before {
		if err := m.settle(s); err != nil {
			return err
		}
	}
	m.Frozen, m.masks, m.pulls, m.bids = true, nil, nil, nil
	return nil
}

// settle fixes the masks.
func (m *Method) settle(s *train.Step) (err error) {
	least := 0
	if m.Sparsity > 0 {
		least = m.left(m.Sparsity)
	}
	m.Stranded, err = m.mask.Settle(s, least, m.settled)
	return err
}

// settled are the masks that stay.
func (m *Method) settled(open train.Arrays) train.Arrays {
	if m.Sparsity > 0 {
		return connection.Keep(m.masks, open, m.left(m.Sparsity))
	}
	final := make(train.Arrays, len(m.masks))
	for v, list := range m.masks {
		final[v] = append(final[v], list...)
		for i := range list {
			if open[v][i] == 0 {
				final[v][i] = -1
			}
		}
	}
	return final
}

// left is how many connections a sparsity leaves.
func (m *Method) left(sparsity float64) int {
	return int(math.Round((1 - sparsity) * float64(m.mask.Total())))
}

// Done implements train.Method.
func (m *Method) Done() bool { return m.Frozen }

// State implements train.Method.
func (m *Method) State() any { return &m.state }

// Restore implements train.Method.
func (m *Method) Restore(b []byte) error {
	m.state = state{}
	return json.Unmarshal(b, &m.state)
}

// Carried implements train.Carrier.
func (m *Method) Carried() map[string]train.Arrays {
	all := maps.Clone(m.mask.Carried())
	if m.masks != nil {
		all["masks"] = m.masks
	}
	return all
}

// Carry implements train.Carrier.
func (m *Method) Carry(arrays map[string]train.Arrays) {
	m.mask.Carry(arrays)
	m.masks, m.prices = arrays["masks"], nil
}
