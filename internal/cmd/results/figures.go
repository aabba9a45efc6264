package main

import (
	"encoding/json"
	"fmt"
	"math"
)

// report is what pages show of what the program says.
type report struct {
	Before     measures    `json:"before"`
	After      measures    `json:"after"`
	Validation *validation `json:"validation"`
	Curve      []point     `json:"curve"`
	// Metric is what a measurement alone says.
	Metric *float64 `json:"metric"`
}

// measures are those of a model. Metric is the accuracy, of models that make images
// the signal-to-noise ratio in dB.
type measures struct {
	MACs   float64  `json:"macs"`
	Params float64  `json:"params"`
	Metric *float64 `json:"metric"`
}

// worth is the metric, NaN where there is none.
func (m measures) worth() float64 {
	if m.Metric == nil {
		return math.NaN()
	}
	return *m.Metric
}

// validation holds the errors of the compact model against the masked one, and of
// the engine against onnxruntime; nil stands for what is not finite.
type validation struct {
	Compact *float64 `json:"max_rel_error"`
	Engine  *float64 `json:"engine_rel_error"`
}

// point is an epoch of a training.
type point struct {
	Epoch int `json:"epoch"`
}

// figures are those of an experiment over its seeds.
type figures struct {
	before, after, macs, params, wall stat
	// compact and engine are the largest errors, NaN where nothing was compared.
	compact, engine float64
	epochs          int
}

// stat sums up one figure over seeds.
type stat []float64

// mean is NaN of nothing.
func (s stat) mean() float64 {
	sum := 0.0
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s))
}

// spread is the standard deviation, as seen from a sample.
func (s stat) spread() float64 {
	sum, mean := 0.0, s.mean()
	for _, v := range s {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(s)-1))
}

// times is the figure of something that is a share of another.
func (s stat) times(share float64) stat {
	var list stat
	for _, v := range s {
		list = append(list, v*share)
	}
	return list
}

// scaled writes the mean, and the spread where seeds differ; nothing where there is
// no figure.
func (s stat) scaled(format string, scale float64) string {
	if math.IsNaN(s.mean()) {
		return ""
	}
	text := fmt.Sprintf(format, scale*s.mean())
	if s.spread() > 0 {
		text += " ± " + fmt.Sprintf(format, scale*s.spread())
	}
	return text
}

// figures are those of an experiment as far as it has run; ok is false where it has
// not with any seed. Shares are of the original model.
func (s *store) figures(e *experiment) (f figures, ok bool, err error) {
	f.compact, f.engine = math.NaN(), math.NaN()
	if e == nil {
		return f, false, nil
	}
	for _, t := range e.trials() {
		kept, there := s.get(t.command())
		if !there {
			continue
		}
		var r report
		if err := json.Unmarshal(kept.Report, &r); err != nil {
			return f, false, fmt.Errorf("%s: %w", kept.Command, err)
		}
		f.add(r, kept.Wall)
	}
	if e.found != nil {
		whole, _, err := s.figures(e.found)
		if err != nil {
			return f, false, err
		}
		f.macs, f.params = f.macs.times(whole.macs.mean()), f.params.times(whole.params.mean())
	}
	return f, len(f.wall) > 0, nil
}

func (f *figures) add(r report, wall float64) {
	f.wall = append(f.wall, wall)
	if r.Metric != nil {
		f.after = append(f.after, *r.Metric)
		return
	}
	f.before, f.after = append(f.before, r.Before.worth()), append(f.after, r.After.worth())
	f.macs = append(f.macs, r.After.MACs/r.Before.MACs)
	f.params = append(f.params, r.After.Params/r.Before.Params)
	if v := r.Validation; v != nil {
		f.compact = larger(f.compact, finite(v.Compact))
		if v.Engine != nil || len(r.Curve) > 0 {
			f.engine = larger(f.engine, finite(v.Engine))
		}
	}
	if n := len(r.Curve); n > 0 {
		f.epochs = max(f.epochs, r.Curve[n-1].Epoch)
	}
}

// finite is a number of a report, where nil stands for one that is not finite.
func finite(v *float64) float64 {
	if v == nil {
		return math.Inf(1)
	}
	return *v
}

// larger is the larger number, where NaN stands for none.
func larger(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}
