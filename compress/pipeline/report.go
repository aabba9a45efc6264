package pipeline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
)

// Report is what a run found and did.
type Report struct {
	Input        string            `json:"input"`
	Output       string            `json:"output"`
	Before       Measures          `json:"before"`
	After        Measures          `json:"after"`
	Groups       Groups            `json:"groups"`
	PrunableMACs float64           `json:"prunable_macs"`
	Pinned       []Pinned          `json:"pinned"`
	Validation   *Validation       `json:"validation"`
	Method       string            `json:"method"`
	Seed         int64             `json:"seed"`
	Seconds      float64           `json:"seconds"`
	Unsupported  []UnsupportedNode `json:"unsupported,omitempty"`
	Fidelity     *Fidelity         `json:"fidelity,omitempty"`
	Notes        []string          `json:"notes,omitempty"`
	// Connections are the single weights that are left, nil where none were made
	// zero one by one.
	Connections *connection.Count `json:"connections,omitempty"`
	// Curve is how a training went, epoch by epoch.
	Curve []train.Point `json:"curve,omitempty"`
	// Layers are the families of groups and what stays of them.
	Layers []Layer `json:"layers,omitempty"`
	// Data says what the samples are; empty without.
	Data string `json:"data,omitempty"`
	// Metric names what Measures.Metric is: Accuracy, PSNR or R2; empty without.
	Metric string `json:"metric_name,omitempty"`
	// Version is that of the program, Command what it was called by.
	Version string `json:"version,omitempty"`
	Command string `json:"command,omitempty"`

	// Summary groups Pinned by operator and reason.
	Summary []PinnedShare `json:"-"`
	// Whole says that no group was to go.
	Whole bool `json:"-"`
	// Target is what was asked for, nil for the most the guard allows.
	Target *Target `json:"-"`
}

// Groups counts the groups of a model: all, those that were allowed to go, and
// those that went.
type Groups struct {
	Total    int `json:"total"`
	Prunable int `json:"prunable"`
	Removed  int `json:"removed"`
}

// Pinned is an axis of a weight that no group takes channels of. MACs are those
// of the node that reads the weight.
type Pinned struct {
	Value    string `json:"value"`
	Axis     int    `json:"axis"`
	Operator string `json:"operator"`
	Reason   string `json:"reason"`
	MACs     int64  `json:"macs"`
	// Extent says that the axis counts the positions of a kernel.
	Extent bool `json:"-"`
}

// PinnedShare is the share of the MACs whose weights an operator pins for one
// reason.
type PinnedShare struct {
	Operator, Reason string
	// Unsupported says that the operator has no meaning here.
	Unsupported bool
	Axes        int
	MACs        int64
	Share       float64
}

// Percent is the share as people read it.
func (p PinnedShare) Percent() string { return fmt.Sprintf("%.1f %%", 100*p.Share) }

// UnsupportedNode is a node that a cut could not be carried through, and the number
// of groups that stayed because of it.
type UnsupportedNode struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
	Groups int    `json:"groups"`
}

// Validation is how far the compact model is from what it must equal, on how
// many batches of inputs.
type Validation struct {
	MaxRelError Number `json:"max_rel_error"`
	Inputs      int    `json:"inputs"`
	// Engine is how far the engine that trained the model is from the judge, nil
	// where nothing was trained.
	Engine *Number `json:"engine_rel_error,omitempty"`
}

// Fidelity is how far the compact model's outputs are from the original's.
type Fidelity struct {
	// RelError is the norm of the difference over the norm of what the
	// original's outputs vary by.
	RelError Number `json:"rel_error"`
	// Agreement is the share of samples that get the same class, nil for
	// models that are no classifiers.
	Agreement *float64 `json:"agreement,omitempty"`
	Samples   int      `json:"samples"`
	// Synthetic says that the inputs were random.
	Synthetic bool `json:"synthetic"`
}

// Number is a float64 that JSON shows as null where it is not finite.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Explain lists the pinned axes of a model and the share of its MACs that some
// group touches.
func Explain(g *depgraph.Graph) (pinned []Pinned, summary []PinnedShare, prunable float64) {
	pinned = make([]Pinned, len(g.Pinned))
	for i, p := range g.Pinned {
		pinned[i] = Pinned{p.Value, p.Axis, p.Operator, p.Text, cost(p.Node, g.Nominal), p.Extent}
	}
	open, total := int64(0), int64(0)
	for _, n := range g.Nodes {
		c := cost(n, g.Nominal)
		total += c
		if c > 0 && touched(g, n) {
			open += c
		}
	}
	return pinned, summarize(g), share(open, total)
}

// summarize groups the pinned axes by operator and reason, most MACs first.
func summarize(g *depgraph.Graph) []PinnedShare {
	type key struct{ operator, reason string }
	at, counted := map[key]int{}, map[key]map[*graph.Node]bool{}
	var all []PinnedShare
	for _, p := range g.Pinned {
		if p.Extent {
			continue
		}
		k := key{p.Operator, p.Text}
		i, ok := at[k]
		if !ok {
			i = len(all)
			at[k], counted[k] = i, map[*graph.Node]bool{}
			all = append(all, PinnedShare{Operator: p.Operator, Reason: p.Text, Unsupported: p.Unsupported})
		}
		all[i].Axes++
		if !counted[k][p.Node] {
			counted[k][p.Node] = true
			all[i].MACs += cost(p.Node, g.Nominal)
		}
	}
	total := macs(g.Graph, g.Nominal)
	for i := range all {
		all[i].Share = share(all[i].MACs, total)
	}
	slices.SortStableFunc(all, func(a, b PinnedShare) int { return cmp.Compare(b.MACs, a.MACs) })
	return all
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
