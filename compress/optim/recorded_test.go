package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/loss"
)

// recorded is what testdata/record.py writes.
type recorded struct {
	Inputs    []float32
	Class     []int64
	Soft      []float32
	Real      []float32
	Unit      []float32
	Teacher   []float32
	Start     [][]float32
	Schedules []struct {
		Schedule json.RawMessage
		Factors  []float64
	}
	Runs []recordedRun
}

type recordedRun struct {
	Target               string
	Loss, Rule, Schedule json.RawMessage
	FreeBiases           bool
	ClipNorm, ClipValue  float64
	Losses               []float64
	Weights              [][]float32
}

func (r recordedRun) String() string { return fmt.Sprintf("%s %s %s", r.Loss, r.Rule, r.Schedule) }

func readRecorded(t *testing.T) recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) == 0 || len(r.Schedules) == 0 {
		t.Fatal("nothing is recorded")
	}
	return r
}

// fill reads the options that text gives into v and returns its kind.
func fill[T any](t *testing.T, text json.RawMessage, v T) T {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
	return v
}

func kindOf(t *testing.T, text json.RawMessage) string {
	t.Helper()
	return fill(t, text, &struct{ Kind string }{}).Kind
}

func lossOf(t *testing.T, text json.RawMessage) loss.Loss {
	t.Helper()
	switch kind := kindOf(t, text); kind {
	case "CrossEntropy":
		return fill(t, text, &loss.CrossEntropy{})
	case "Distill":
		return fill(t, text, &loss.Distill{})
	case "MSE":
		return loss.MSE{}
	case "L1":
		return loss.L1{}
	case "BCE":
		return loss.BCE{}
	default:
		t.Fatalf("unknown loss %s", kind)
		return nil
	}
}

func ruleOf(t *testing.T, text json.RawMessage) (o Optimiser, lr float64) {
	t.Helper()
	switch kind := kindOf(t, text); kind {
	case "SGD":
		o := fill(t, text, &SGD{})
		return o, o.LR
	case "Adam":
		o := fill(t, text, &Adam{})
		return o, o.LR
	default:
		t.Fatalf("unknown rule %s", kind)
		return nil, 0
	}
}

func scheduleOf(t *testing.T, text json.RawMessage) Schedule {
	t.Helper()
	switch kind := kindOf(t, text); kind {
	case "Constant":
		return Constant(1)
	case "Step":
		return fill(t, text, &Step{})
	case "MultiStep":
		return fill(t, text, &MultiStep{})
	case "Cosine":
		return fill(t, text, &Cosine{})
	case "OneCycle":
		return fill(t, text, &OneCycle{})
	case "Warmup":
		w := fill(t, text, &struct {
			Steps int
			From  float64
			Then  json.RawMessage
		}{})
		return Warmup{Steps: w.Steps, From: w.From, Then: scheduleOf(t, w.Then)}
	default:
		t.Fatalf("unknown schedule %s", kind)
		return nil
	}
}

const batch, samples = 8, 24

// batchAt is the inputs and the target of the batch that starts at a sample.
func (r recorded) batchAt(target string, at int) (x []float32, y *tensor.Tensor) {
	x = r.Inputs[at*inputs : (at+batch)*inputs]
	if target == "class" {
		return x, tensor.FromInt64s([]int64{batch}, r.Class[at:at+batch])
	}
	v := map[string][]float32{"soft": r.Soft, "real": r.Real, "unit": r.Unit, "teacher": r.Teacher}[target]
	return x, tensor.FromFloat32s([]int64{batch, outputs}, v[at*outputs:(at+batch)*outputs])
}

const tolerance = 1e-5

func near(got, want float64) bool {
	return math.Abs(got-want) <= tolerance*max(1, math.Abs(want))
}

// TestTraining repeats what PyTorch did, step for step.
func TestTraining(t *testing.T) {
	r := readRecorded(t)
	for _, run := range r.Runs {
		l, schedule := lossOf(t, run.Loss), scheduleOf(t, run.Schedule)
		o, lr := ruleOf(t, run.Rule)
		n := newNet(r.Start)
		for i := range n.params {
			n.params[i].NoDecay = run.FreeBiases && i%2 == 1
		}
		for step, want := range run.Losses {
			x, y := r.batchAt(run.Target, step*batch%samples)
			got := n.learn(t, l, x, y)
			if !near(got, want) {
				t.Fatalf("%v: loss %.8g at step %d, want %.8g", run, got, step, want)
			}
			if run.ClipNorm != 0 {
				ClipNorm(n.params, run.ClipNorm)
			}
			if run.ClipValue != 0 {
				ClipValue(n.params, run.ClipValue)
			}
			o.SetLR(lr * schedule.At(step))
			if err := o.Step(n.params); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range n.params {
			for k, got := range p.Value {
				if want := run.Weights[i][k]; !near(float64(got), float64(want)) {
					t.Errorf("%v: parameter %d[%d] is %.8g after all steps, want %.8g", run, i, k, got, want)
				}
			}
		}
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range readRecorded(t).Schedules {
		s := scheduleOf(t, c.Schedule)
		for step, want := range c.Factors {
			if got := s.At(step); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s: %.9g at step %d, want %.9g", c.Schedule, got, step, want)
			}
		}
	}
}
