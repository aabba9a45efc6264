package main

import (
	"fmt"
	"math"
	"strings"

	"onnxcompress/internal/markdown"
)

// What the goals ask for.
const (
	quarterLoss  = 0.005 // of accuracy at a quarter of the MACs
	sameAccuracy = 0.005 // that shrinking may cost
	fasterBy     = 0.6   // of the time without shrinking
	exactness    = 1e-4  // of both comparisons
	fewWeights   = 0.03  // of weights left, from where SCL is to be ahead
	equalMACs    = 0.005 // that a run at equal MACs may have more
)

// verdict is whether a goal is met in one case, and the figures that tell.
type verdict struct {
	met  bool
	text string
}

// goal is what is asked for, with the verdicts on all that has run.
type goal struct {
	text     string
	verdicts []verdict
}

func (g *goal) judge(met bool, format string, args ...any) {
	g.verdicts = append(g.verdicts, verdict{met, fmt.Sprintf(format, args...)})
}

// outcome says in how many cases a goal is met, and lists those where it is not.
func (g *goal) outcome() (met, rest string) {
	var missed []string
	for _, v := range g.verdicts {
		if !v.met {
			missed = append(missed, v.text)
		}
	}
	switch all := len(g.verdicts); {
	case all == 0:
		return "not measured", ""
	case len(missed) == 0:
		return fmt.Sprintf("yes (%d of %d)", all, all), ""
	default:
		return fmt.Sprintf("no (%d of %d)", all-len(missed), all), strings.Join(missed, "; ")
	}
}

// goals are judged by the figures that are there.
func (s *suite) goals(kept *store) (*markdown.Table, error) {
	t := &markdown.Table{Text: 3, Head: []string{"goal", "met", "where not"}}
	for _, judge := range []func(*judgement) []goal{
		(*judgement).accuracy, (*judgement).peers, (*judgement).scratch, (*judgement).sparsity, (*judgement).pace, (*judgement).exactness, (*judgement).time,
	} {
		j := &judgement{suite: s, kept: kept}
		for _, g := range judge(j) {
			met, rest := g.outcome()
			t.Add(g.text, met, rest)
		}
		if j.err != nil {
			return nil, j.err
		}
	}
	return t, nil
}

// judgement finds figures for goals; err is the first error of that.
type judgement struct {
	suite *suite
	kept  *store
	err   error
}

// of are the figures of an experiment; ok is false where it is none or has not run.
func (j *judgement) of(e *experiment) (figures, bool) {
	f, ok, err := j.kept.figures(e)
	if j.err == nil {
		j.err = err
	}
	return f, ok
}

// each calls judge with the experiments of a way and a share that have run.
func (j *judgement) each(section int, way string, left float64, judge func(*experiment, figures)) {
	for _, e := range j.suite.experiments {
		if e.section != section || e.way != way || left > 0 && e.left != left {
			continue
		}
		if f, ok := j.of(e); ok {
			judge(e, f)
		}
	}
}

func (j *judgement) accuracy() []goal {
	half := goal{text: "half of the MACs: no loss of accuracy"}
	quarter := goal{text: "a quarter of the MACs: within half a point"}
	ahead := goal{text: "a quarter of the MACs: ahead of magnitude, taylor and random"}
	change := func(e *experiment, f figures) string {
		return fmt.Sprintf("%s %s", e.model, signed(100*(f.after.mean()-f.before.mean())))
	}
	j.each(1, automatic, 0.5, func(e *experiment, f figures) {
		half.judge(f.after.mean() >= f.before.mean(), "%s", change(e, f))
	})
	j.each(1, automatic, 0.25, func(e *experiment, f figures) {
		quarter.judge(f.after.mean() >= f.before.mean()-quarterLoss, "%s", change(e, f))
		for _, way := range baselines {
			if b, ok := j.of(j.suite.find(e.model, way, e.left)); ok {
				ahead.judge(f.after.mean() > b.after.mean(), "%s: %.2f, %s %.2f", e.model, 100*f.after.mean(), way, 100*b.after.mean())
			}
		}
	})
	return []goal{half, quarter, ahead}
}

func (j *judgement) peers() []goal {
	better := goal{text: "ahead of the reference at equal MACs"}
	faster := goal{text: "in less wall time than the reference"}
	for _, p := range j.suite.peers {
		j.each(1, equal, p.MACs, func(e *experiment, f figures) {
			if e.model != p.Model {
				return
			}
			better.judge(f.after.mean() > p.After && f.macs.mean() <= p.MACs+equalMACs, "%s at %.1f %%: %.2f, reference %.2f", e.model, 100*f.macs.mean(), 100*f.after.mean(), 100*p.After)
			faster.judge(f.wall.mean() < p.Seconds, "%s at %.1f %%: %.0f s, reference %.0f s", e.model, 100*f.macs.mean(), f.wall.mean(), p.Seconds)
		})
	}
	return []goal{better, faster}
}

func (j *judgement) scratch() []goal {
	g := goal{text: "from scratch in one run: not behind the compact architecture trained alone"}
	for _, method := range once {
		j.each(2, method, 0, func(e *experiment, f figures) {
			if alone, ok := j.of(j.suite.find(e.model, aloneAfter(method), e.left)); ok {
				g.judge(f.after.mean() >= alone.after.mean(), "%s, %s: %.2f, alone %.2f", e.model, method, 100*f.after.mean(), 100*alone.after.mean())
			}
		})
	}
	return []goal{g}
}

func (j *judgement) sparsity() []goal {
	g := goal{text: "SCL: ahead of gradual magnitude from 97 % sparsity up"}
	j.each(4, masks, 0, func(e *experiment, f figures) {
		r, ok := j.of(j.suite.find(e.model, ramp, e.left))
		if ok && e.left <= fewWeights {
			g.judge(f.after.mean() > r.after.mean(), "%s at %s %%: %.2f, gradual %.2f", e.model, number(100-100*e.left), 100*f.after.mean(), 100*r.after.mean())
		}
	})
	return []goal{g}
}

func (j *judgement) pace() []goal {
	faster := goal{text: fmt.Sprintf("shrinking in mid-training: at most %.1f times the time", fasterBy)}
	same := goal{text: "shrinking in mid-training: no more than half a point of accuracy lost"}
	all, err := j.suite.paces(j.kept)
	j.err = err
	for _, p := range all {
		faster.judge(p.ratio <= fasterBy, "%s %.2f", p.model, p.ratio)
		same.judge(p.accuracy >= -sameAccuracy, "%s %s", p.model, signed(100*p.accuracy))
	}
	return []goal{faster, same}
}

func (j *judgement) exactness() []goal {
	compact := goal{text: "masked equals compact in onnxruntime within 1e-4"}
	engine := goal{text: "the engine equals onnxruntime within 1e-4"}
	all, err := j.suite.errors(j.kept)
	j.err = err
	for _, x := range all {
		if !math.IsNaN(x.compact) {
			compact.judge(x.compact <= exactness, "%s %.1e", x.model, x.compact)
		}
		if !math.IsNaN(x.engine) {
			engine.judge(x.engine <= exactness, "%s %.1e", x.model, x.engine)
		}
	}
	return []goal{compact, engine}
}

// time is judged once all is there.
func (j *judgement) time() []goal {
	g := goal{text: fmt.Sprintf("all of it within %s", duration(3600*j.suite.hours))}
	wall := 0.0
	for _, t := range j.suite.trials() {
		r, ok := j.kept.get(t.command())
		if !ok {
			return []goal{g}
		}
		wall += r.Wall
	}
	g.judge(wall <= 3600*j.suite.hours, "%s", duration(wall))
	return []goal{g}
}
