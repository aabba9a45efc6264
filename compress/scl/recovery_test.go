package scl

import (
	"math"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// weight is that of a connection, and alive whether it was live.
type weight struct {
	bits  uint32
	alive bool
}

// TestRecovery holds that connections come back with every surrogate whose
// derivative is positive everywhere, with exactly the weights that they had when
// they were masked, and that none comes back with Rectified.
func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		name     string
		ste      STE
		price    float64
		recovers bool
	}{
		{"identity", Identity, 0.004, true},
		{"leaky", Leaky, 0.004, true},
		{"softplus", Softplus, 0.008, true},
		{"relu", Rectified, 0.004, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Options{Lambda: c.price, Freeze: 0.75, STE: c.ste, Start: 0.01, Rate: 0.05})
			task := methodtest.Task(t, t.TempDir(), m, methodtest.Target{Measure: compress.MACs, Share: 1}, 6)
			task.Whole = true
			var before []weight
			returned := 0
			task.Tell = func(p train.Point) {
				now := seen(m, task.Net)
				for at, was := range before {
					w := now[at]
					if was.alive {
						continue
					}
					if w.alive {
						returned++
					}
					if w.bits != was.bits && !m.Frozen {
						t.Fatalf("step %d: connection %d has changed while it was masked", p.Step, at)
					}
				}
				before = now
			}
			if _, err := task.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.recovers != (returned > 0) {
				t.Errorf("%d connections have returned", returned)
			}
			if s := connection.Of(task.Net).Sparsity(); s < 0.05 || s > 0.99 {
				t.Errorf("sparsity %v: the price has nothing to choose by", s)
			}
		})
	}
}

// seen are the weights of all connections after a step, as they are or, masked, as
// they were.
func seen(m *Method, n *train.Net) []weight {
	var all []weight
	for _, l := range m.mask.Layers() {
		w := make([]float32, l.Size)
		m.mask.Weigh(n, l, w)
		for i, x := range w {
			all = append(all, weight{math.Float32bits(x), m.mask.Live(l.Var)[i] != 0})
		}
	}
	return all
}

// TestPrice holds that a higher price leaves fewer connections, and one by
// multiplications fewer of those that are used more often.
func TestPrice(t *testing.T) {
	run := func(lambda float64, count Count) connection.Count {
		o := Options{Lambda: lambda, Freeze: 0.75, Count: count, Start: 0.01, Rate: 0.05}
		task := methodtest.Task(t, t.TempDir(), New(o), methodtest.Target{Measure: compress.MACs, Share: 1}, 6)
		if _, err := task.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return connection.Of(task.Net)
	}
	low, high, used := run(0.002, Weights), run(0.006, Weights), run(0.002, MACs)
	if low.Live <= high.Live {
		t.Errorf("%d connections at a low price and %d at a high one", low.Live, high.Live)
	}
	if a, b := low.LiveMACs/float64(low.Live), used.LiveMACs/float64(used.Live); b >= a {
		t.Errorf("%.1f uses to a connection, and %.1f where they are paid for", a, b)
	}
}
