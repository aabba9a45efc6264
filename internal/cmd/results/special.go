package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"onnxcompress/internal/markdown"
)

// sparsityTable has both methods of section 4 in a line.
func (s *suite) sparsityTable(kept *store) (*markdown.Table, error) {
	t := &markdown.Table{Text: 1, Head: []string{
		"model", "sparsity", "seeds", "before", "SCL", "gradual magnitude", "SCL ahead by", "MACs, SCL", "MACs, gradual", "seconds, SCL", "seconds, gradual",
	}}
	for _, e := range s.experiments {
		if e.section != 4 || e.way != masks {
			continue
		}
		f, ok, err := kept.figures(e)
		if err != nil {
			return nil, err
		}
		g, there, err := kept.figures(s.find(e.model, ramp, e.left))
		if err != nil {
			return nil, err
		}
		if !ok && !there {
			continue
		}
		t.Add(e.model, number(100-100*e.left), strconv.Itoa(max(len(f.wall), len(g.wall))), f.before.scaled("%.2f", 100), f.after.scaled("%.2f", 100), g.after.scaled("%.2f", 100),
			signed(100*(f.after.mean()-g.after.mean())), f.macs.scaled("%.1f", 100), g.macs.scaled("%.1f", 100), f.wall.scaled("%.0f", 1), g.wall.scaled("%.0f", 1))
	}
	return t, nil
}

// pace is a run at 25 % with shrinking and without.
type pace struct {
	model           string
	shrunk, full    figures
	ratio, accuracy float64
}

// paces are those that have run both ways. Only seeds that have are compared.
func (s *suite) paces(kept *store) ([]pace, error) {
	var all []pace
	for _, e := range s.experiments {
		if e.way != unshrunk {
			continue
		}
		with := *s.find(e.model, automatic, e.left)
		with.seeds = e.seeds
		f, ok, err := kept.figures(&with)
		if err != nil {
			return nil, err
		}
		g, there, err := kept.figures(e)
		if err != nil {
			return nil, err
		}
		if ok && there {
			all = append(all, pace{e.model, f, g, f.wall.mean() / g.wall.mean(), f.after.mean() - g.after.mean()})
		}
	}
	return all, nil
}

func (s *suite) paceTable(kept *store) (*markdown.Table, error) {
	t := &markdown.Table{Text: 1, Head: []string{"model", "seconds, shrinking", "seconds, not", "ratio", "accuracy, shrinking", "accuracy, not", "difference"}}
	all, err := s.paces(kept)
	for _, p := range all {
		t.Add(p.model, p.shrunk.wall.scaled("%.0f", 1), p.full.wall.scaled("%.0f", 1), fmt.Sprintf("%.2f", p.ratio),
			p.shrunk.after.scaled("%.2f", 100), p.full.after.scaled("%.2f", 100), signed(100*p.accuracy))
	}
	return t, err
}

// errorsOf are the largest errors of a model over all that has run.
type errorsOf struct {
	model           string
	rows            int
	compact, engine float64
}

func (s *suite) errors(kept *store) ([]errorsOf, error) {
	var all []errorsOf
	for _, e := range s.experiments {
		f, ok, err := kept.figures(e)
		if err != nil {
			return nil, err
		}
		if !ok || e.verb != "" {
			continue
		}
		i := slices.IndexFunc(all, func(x errorsOf) bool { return x.model == e.model })
		if i < 0 {
			all = append(all, errorsOf{e.model, len(f.wall), f.compact, f.engine})
			continue
		}
		x := &all[i]
		x.rows, x.compact, x.engine = x.rows+len(f.wall), larger(x.compact, f.compact), larger(x.engine, f.engine)
	}
	return all, nil
}

func (s *suite) errorTable(kept *store) (*markdown.Table, error) {
	t := &markdown.Table{Text: 1, Head: []string{"model", "rows", "compact", "engine"}}
	all, err := s.errors(kept)
	for _, x := range all {
		t.Add(x.model, strconv.Itoa(x.rows), exact(x.compact), exact(x.engine))
	}
	return t, err
}

// exact writes an error with two digits, nothing where there is none.
func exact(v float64) string {
	if math.IsNaN(v) || v == 0 || math.IsInf(v, 0) {
		return power(v)
	}
	return fmt.Sprintf("%.1e", v)
}
