package runtime_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"onnxcompress/compress/optim"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

// recordedNet is what testdata/record.py writes of one net.
type recordedNet struct {
	Inputs []float32
	Class  []int64
	Start  map[string][]float32
	Runs   map[string]struct {
		Losses []float64
		End    map[string][]float32
	}
}

func readRecorded(t *testing.T) map[string]recordedNet {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var nets map[string]recordedNet
	if err := json.Unmarshal(text, &nets); err != nil {
		t.Fatal(err)
	}
	return nets
}

// TestTraining repeats what PyTorch did, step for step.
func TestTraining(t *testing.T) {
	const batch, samples = 8, 24
	nets := readRecorded(t)
	tests := []struct {
		name, text string
		sample     []int64
		tolerance  float64
	}{
		{"mlp", mlp, []int64{6}, 1e-5},
		{"cnn", cnn, []int64{1, 8, 8}, 1e-4},
	}
	rules := map[string]func() optim.Optimiser{
		"sgd":  func() optim.Optimiser { return &optim.SGD{LR: 0.02, Momentum: 0.9} },
		"adam": func() optim.Optimiser { return optim.NewAdam(0.01) },
	}
	for _, test := range tests {
		net := nets[test.name]
		near := func(got, want float64) bool { return math.Abs(got-want) <= test.tolerance*max(1, math.Abs(want)) }
		for name, run := range net.Runs {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				l := learner{Trainer: newTrainer(t, textModel(t, test.text, net.Start), runtime.TrainOptions{Threads: 2}), rule: rules[name]()}
				size := len(net.Inputs) / samples
				shape := append([]int64{batch}, test.sample...)
				for step, want := range run.Losses {
					at := step * batch % samples
					x := tensor.FromFloat32s(shape, net.Inputs[at*size:(at+batch)*size])
					got := l.step(t, loss.CrossEntropy{}, tensor.FromInt64s([]int64{batch}, net.Class[at:at+batch]), x)
					if !near(got, want) {
						t.Fatalf("loss %.8g at step %d, want %.8g", got, step, want)
					}
				}
				weights := l.State().Weights
				if len(weights) != len(run.End) {
					t.Errorf("%d weights, want %d", len(weights), len(run.End))
				}
				for name, want := range run.End {
					for k, got := range weights[name].Float32s() {
						if !near(float64(got), float64(want[k])) {
							t.Errorf("%s[%d] is %.8g after all steps, want %.8g", name, k, got, want[k])
						}
					}
				}
			})
		}
	}
}
