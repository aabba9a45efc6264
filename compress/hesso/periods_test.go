package hesso

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestPeriods holds that periods follow each other from start to end.
func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		total, periods int
		start, end     float64
		want           []int // first steps
	}{
		{40, 4, 0.1, 0.5, []int{4, 8, 12, 16}},
		{40, 3, 0.1, 0.5, []int{4, 9, 15}},
		{40, 1, 0, 1, []int{0}},
		{6, 10, 0, 0.5, []int{0, 1, 2, 3}},
		{1, 10, 0.1, 0.5, []int{0}},
		{40, 4, 0.5, 0.2, []int{20}},
	} {
		m := New(Options{Start: c.start, End: c.end, Periods: c.periods})
		var got []int
		next := m.begin(&train.Step{Total: c.total})
		for n := next; n <= m.end(&train.Step{Total: c.total}); n++ {
			first, last := m.period(&train.Step{N: n, Total: c.total})
			if n < first || n > last || first < next && first != got[len(got)-1] {
				t.Errorf("%+v: step %d is in the period from %d to %d", c, n, first, last)
			}
			if n == first {
				got, next = append(got, first), last+1
			}
		}
		if !slices.Equal(got, c.want) || next != m.end(&train.Step{Total: c.total})+1 {
			t.Errorf("%+v: periods begin at %v, and the last ends before %d", c, got, next)
		}
	}
}

// spy follows a method step by step.
type spy struct {
	*Method
	step func(s *train.Step, before int)
}

// Move implements train.Method.
func (p *spy) Move(s *train.Step) error {
	before := s.Net.Removed()
	err := p.Method.Move(s)
	p.step(s, before)
	return err
}

// TestPace holds that periods remove even shares of what must go, each at its end.
func TestPace(t *testing.T) {
	o := Usual()
	o.Periods = 4
	var gone []int
	var at []int
	p := &spy{Method: New(o)}
	p.step = func(s *train.Step, before int) {
		if now := s.Net.Removed(); now > before {
			gone, at = append(gone, now-before), append(at, s.N)
		}
	}
	task := methodtest.Task(t, t.TempDir(), p, methodtest.Target{Measure: compress.Sparsity, Share: 0.5}, 5)
	if _, err := task.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(at, []int{7, 11, 15, 20}) {
		t.Errorf("groups go at %v", at)
	}
	if slices.Max(gone)-slices.Min(gone) > 1 {
		t.Errorf("%v groups go", gone)
	}
}

// TestTrial holds that CRIC sweeps every family, tries groups in cycles, keeps to
// its time, and leaves the weights as it found them.
func TestTrial(t *testing.T) {
	o := Usual()
	o.End, o.Periods, o.Cric = 0.9, 1, UsualCric()
	o.Cric.Steps = 3
	o.Cric.Shares = []float64{0.5}
	p := &spy{Method: New(o)}
	var origin train.Arrays
	var sweep sweep
	cycles, steps := 0, 0
	tried := map[int]bool{}
	statistics := map[string][]byte{}
	var memory []optim.Memory
	p.step = func(s *train.Step, _ int) {
		switch {
		case p.Trial != nil:
			steps++
			origin, sweep, cycles = p.origin, p.Trial.Sweep, p.Trial.Cycle
			if sweep.At == 0 {
				memory = s.Memory()
				for name, w := range s.Net.Statistics() {
					statistics[name] = bytes.Clone(w.Data)
				}
			}
			if cycles == 0 && p.Trial.Step == 0 && !reflect.DeepEqual(memory, s.Memory()) {
				t.Errorf("step %d: the optimiser remembers a sweep", s.N)
			}
			if !sweep.over(s.Net) {
				return
			}
			for _, g := range p.Trial.Set {
				if tried[g] && p.Trial.Step == 0 && cycles > 0 {
					t.Errorf("step %d: group %d is tried again", s.N, g)
				}
				tried[g] = true
			}
			if s.Net.Removed() > 0 {
				t.Errorf("step %d: groups have gone on trial", s.N)
			}
		case origin != nil:
			for i, v := range s.Net.Values() {
				if !slices.Equal(v, origin[i]) {
					t.Errorf("variable %d is not what it was before the trial", i)
				}
			}
			for name, w := range s.Net.Statistics() {
				if !bytes.Equal(w.Data, statistics[name]) {
					t.Errorf("%s is not what it was before the trial", name)
				}
			}
			if len(statistics) == 0 {
				t.Error("the model has no running statistics")
			}
			if s.N > (s.At(o.Start)+s.At(o.End))/2 {
				t.Errorf("the trial has taken until step %d", s.N)
			}
			origin = nil
		}
	}
	task := methodtest.Task(t, t.TempDir(), p, methodtest.Target{Measure: compress.MACs, Share: 0.4}, 8)
	families := len(task.Net.Graph.Families)
	if _, err := task.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sweep.At != families || slices.Max(sweep.Probes) != 1 || slices.Max(sweep.Harm) <= 0 {
		t.Errorf("the sweep ended at %d of %d families: %+v", sweep.At, families, sweep)
	}
	if cycles == 0 || p.Final == nil || p.Trial != nil {
		t.Errorf("%d cycles in %d steps, final scores %v", cycles, steps, p.Final)
	}
}
