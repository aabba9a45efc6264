package dhspg

import (
	"math"
	"slices"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// spy holds what the method does in a step against the definition.
type spy struct {
	*Method
	t              *testing.T
	pushed, zeroed int
}

// Move implements train.Method.
func (p *spy) Move(s *train.Step) error {
	n := s.Net
	removed := n.Removed()
	redundant, v := slices.Clone(p.Redundant), s.Direction()
	xx, xv, vv := n.Dot(s.Before, s.Before, train.Own), n.Dot(s.Before, v, train.Own), n.Dot(v, v, train.Own)
	xy := n.Dot(s.Before, n.Values(), train.Own)
	if err := p.Method.Move(s); err != nil {
		return err
	}
	if s.N <= s.At(p.Start) || s.N >= s.At(p.Deadline) || p.next(s) == s.N {
		return nil
	}
	after := n.Dot(s.Before, n.Values(), train.Own)
	for _, g := range redundant {
		want := xy[g] - s.LR*p.penalty(xx[g], xv[g], vv[g], p.Lambda)*math.Sqrt(xx[g])
		gone := want < p.Epsilon*xx[g]
		if math.Abs(want-p.Epsilon*xx[g]) < 1e-5*xx[g] {
			continue // too near to tell
		}
		switch {
		case n.Gone(g) != gone:
			p.t.Errorf("step %d: group %d is gone: %v; want %v", s.N, g, n.Gone(g), gone)
		case gone:
			p.zeroed++
		case removed == n.Removed() && math.Abs(after[g]-want) > 1e-5*xx[g]: // else weights are shared with what has gone
			p.t.Errorf("step %d: group %d has <y,x> = %v, want %v", s.N, g, after[g], want)
		default:
			p.pushed++
		}
	}
	return nil
}

// TestPush holds that steps follow the definition, and that some groups are
// pushed and some are projected.
func TestPush(t *testing.T) {
	for _, o := range []Options{
		{Rule: Rule{Lambda: 1, Amplify: 2, Cap: 10}, Epsilon: 0.95},
		{Rule: Rule{Lambda: 2, Amplify: 20, Cap: 1000}, Epsilon: 0.5},
		{Rule: Rule{Lambda: 3, Amplify: 2, Cap: 10}, Epsilon: 0},
	} {
		usual := Usual(false)
		usual.Rule, usual.Epsilon, usual.Deadline, usual.End = o.Rule, o.Epsilon, 0.9, 0.95
		p := &spy{Method: New(usual), t: t}
		task := methodtest.Task(t, t.TempDir(), p, methodtest.Target{Measure: compress.MACs, Share: 0.3}, 5)
		if _, err := task.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.pushed == 0 || p.zeroed == 0 {
			t.Errorf("%+v: %d pushed and %d projected", usual.Rule, p.pushed, p.zeroed)
		}
	}
}
