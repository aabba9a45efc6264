package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"onnxcompress/compress"
	"onnxcompress/compress/baseline"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/dhspg"
	"onnxcompress/compress/hesso"
	"onnxcompress/compress/scl"
	"onnxcompress/compress/sparsify"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph/pass"
	"onnxcompress/onnx"
)

// budget finds how many multiplications a target of latency leaves, with what is
// chosen without training.
func (t *training) budget(ctx context.Context) error {
	if t.Target == nil || t.Target.Quantity != Latency {
		return nil
	}
	g := t.subject.Graph
	scores, err := compress.Magnitude(g, 2)
	if err != nil {
		return err
	}
	if err := t.searchLatency(ctx, scored(t.run, scores)); err != nil {
		return err
	}
	t.aimed = &compress.Target{Measure: compress.MACs, Value: float64(t.chosen.choice.Size.MACs)}
	t.note(fmt.Sprintf("%v takes %.3g %% of the MACs", t.Target, 100*t.aimed.Value/float64(t.report.Before.MACs)))
	return nil
}

// start is the model that training starts with: as it came, or as a method without
// training leaves it.
func (t *training) start(ctx context.Context) (*onnx.Model, error) {
	if methods[t.Method] != nil {
		return t.prepared.Clone(), nil
	}
	choose, err := t.chooser(ctx)
	if err != nil {
		return nil, err
	}
	target, err := t.choosing()
	if err != nil {
		return nil, err
	}
	c, err := t.run.candidate(ctx, choose, target)
	if err != nil {
		return nil, err
	}
	t.adopt(c)
	if !c.choice.Met {
		t.note(fmt.Sprintf("the target cannot be met: %.4g are left", c.choice.Reached))
	}
	masked, err := c.masked(t.subject)
	if err != nil {
		return nil, err
	}
	if t.freed {
		loosen(masked)
	}
	if t.joined != nil {
		t.output = pass.Join(masked, t.joined)
	} else {
		pass.Expose(masked, t.output)
	}
	return masked, nil
}

// method is the one that the options name; what it removes keeps to their limits.
func (t *training) method() (train.Method, error) {
	t.net.Limit(compress.Limits{Keep: t.keep, MinKept: t.MinKept})
	if methods[t.Method] == nil {
		if !t.resumed {
			t.beginning.Groups, t.beginning.Given = t.net.Match(t.chosen.choice.Cut), t.chosen.choice.Cut.Len
		}
		return &train.Given{Groups: t.beginning.Groups}, nil
	}
	return methods[t.Method](t), nil
}

// methods are those that choose while they train.
var methods = map[string]func(*training) train.Method{
	DHSPG: func(t *training) train.Method { return dhspg.New(dhspg.Short(t.Training.Optimiser != SGD)) },
	HESSO: func(*training) train.Method { return hesso.New(hesso.Usual()) },
	Taylor: func(*training) train.Method {
		return baseline.NewOnce(baseline.Rating{By: baseline.Taylor, Batches: taylorBatches, PerCost: true})
	},
	Uniform: func(*training) train.Method { return baseline.NewOnce(baseline.Rating{By: baseline.Uniform}) },
	Gradual: func(*training) train.Method {
		return baseline.NewGradual(baseline.Rating{By: baseline.Magnitude}, baseline.UsualRamp())
	},
	HESSOCRIC: func(*training) train.Method {
		o := hesso.Usual()
		o.Cric = hesso.UsualCric()
		return hesso.New(o)
	},
	SCL: func(t *training) train.Method {
		if t.Target != nil {
			return scl.New(scl.Usual(t.Target.Share))
		}
		o := scl.Usual(0)
		o.Lambda = t.Training.Lambda
		return scl.New(o)
	},
	GradualWeights: func(t *training) train.Method {
		return sparsify.New(sparsify.Gradually(sparsify.Magnitude, t.Target.Share))
	},
	UniformWeights: func(t *training) train.Method {
		return sparsify.New(sparsify.Gradually(sparsify.Uniform, t.Target.Share))
	},
	RandomWeights: func(t *training) train.Method { return sparsify.New(sparsify.Once(sparsify.Random, t.Target.Share, 0)) },
	MagnitudeWeights: func(t *training) train.Method {
		return sparsify.New(sparsify.Once(sparsify.Magnitude, t.Target.Share, 0))
	},
}

// sparse are the methods that make single weights zero: their targets are shares
// of weights.
var sparse = []string{SCL, GradualWeights, UniformWeights, RandomWeights, MagnitudeWeights}

// taylorBatches is how many batches a method looks at that chooses once.
const taylorBatches = 50

// choose is the train.Selector of the run's target. What BatchNormalization that
// was put back adds to parameters and bytes is none of what is written: where
// these count, the aim is put right by what is.
func (t *training) choose(scores compress.Scores, perCost bool, gone *depgraph.Cut) (*depgraph.Cut, error) {
	target, err := t.choosing()
	if err != nil {
		return nil, err
	}
	for range attempts {
		cut, err := t.feasible(scores, perCost, gone, target)
		if err != nil || t.Target == nil || !t.folds() {
			return cut, err
		}
		now, err := t.written(cut)
		if err != nil {
			return nil, err
		}
		q := t.Target.Quantity
		off := t.Target.of(t.report.Before) - now.quantity(q)
		if math.Abs(off) <= compress.Tolerance/2*t.report.Before.quantity(q) {
			return cut, nil
		}
		target.Value += off
	}
	return t.feasible(scores, perCost, gone, target)
}

// feasible chooses groups that can be cut.
func (t *training) feasible(scores compress.Scores, perCost bool, gone *depgraph.Cut, target compress.Target) (*depgraph.Cut, error) {
	for {
		c := compress.Choose(t.net.Graph, scores, target, compress.Limits{
			RoundTo: t.RoundTo, MinKept: t.MinKept, Keep: t.keep, PerCost: perCost, Gone: gone,
		})
		m, _, err := compact.Trace(t.net.Graph, c.Cut)
		if err == nil {
			return c.Cut, m.Close()
		}
		var node *compact.NodeError
		before := len(t.keep)
		if errors.As(err, &node) {
			groupsOf(t.net.Graph, node.Node, every, t.keep)
		}
		if len(t.keep) == before {
			return nil, Fail(Unsupported, "%s: %w", t.Input, err)
		}
	}
}

// written is what a cut's model would cost as it is written.
func (t *training) written(cut *depgraph.Cut) (Measures, error) {
	m, _, err := compact.Trace(t.net.Graph, cut)
	if err != nil {
		return Measures{}, err
	}
	defer m.Close()
	if err := t.settled(m); err != nil {
		return Measures{}, err
	}
	if err := t.stamp(m, t.report.Before, t.report.Before); err != nil {
		return Measures{}, err
	}
	return Measure(m, t.Shapes)
}
