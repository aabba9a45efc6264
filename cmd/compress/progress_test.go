package main

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
)

// TestTrainingLines: away from a terminal, training is told of in one line for
// every epoch, and in a line where an epoch takes long; --progress none and
// --quiet silence it.
func TestTrainingLines(t *testing.T) {
	held := []float64{0.5, 0.875}
	type call struct {
		after  time.Duration
		status pipeline.TrainStatus
	}
	status := func(epoch, step int, loss float64, held *float64, left time.Duration) pipeline.TrainStatus {
		return pipeline.TrainStatus{Epoch: epoch, Epochs: 2, Step: step, Steps: 200, Loss: loss, Held: held, Judged: pipeline.Accuracy, MACs: 1 - float64(step)/400, Left: left}
	}
	calls := []call{
		{time.Second, status(0, 1, 2.5, nil, 0)},
		{28 * time.Second, status(0, 40, 2, nil, 0)},
		{time.Second, status(0, 50, 1.75, nil, 90*time.Second)},
		{29 * time.Second, status(0, 99, 1.5, nil, 40*time.Second)},
		{time.Millisecond, status(1, 100, 1.25, &held[0], 30*time.Second)},
		{time.Second, status(1, 101, 1.125, &held[0], 29*time.Second)},
		{time.Second, status(2, 200, math.NaN(), &held[1], 0)},
	}
	lines := `epoch 0/2  loss 1.75  MACs 87.5 %  1m30s left  step 50/200
epoch 1/2  loss 1.25  accuracy 50.00 %  MACs 75.0 %  30s left  step 100/200
epoch 2/2  loss NaN  accuracy 87.50 %  MACs 50.0 %  step 200/200
`
	tests := []struct {
		name  string
		flags common
		want  string
	}{
		{"auto", common{progress: "auto"}, lines},
		{"plain", common{progress: "plain"}, "training\n" + lines},
		{"none", common{progress: "none"}, ""},
		{"quiet", common{progress: "plain", quiet: true}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			c := &cobra.Command{}
			c.SetErr(&out)
			p := test.flags.newProgress(c)
			now := time.Time{}
			p.now = func() time.Time { return now }
			p.Stage("training")
			for _, call := range calls {
				now = now.Add(call.after)
				p.Train(call.status)
			}
			p.close()
			if out.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", out.String(), test.want)
			}
		})
	}
}

// TestTrainingBar: on a terminal it is one line that changes.
func TestTrainingBar(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, epochs: true, now: time.Now}
	p.draw()
	p.Stage("training")
	p.Train(pipeline.TrainStatus{Epoch: 1, Epochs: 2, Step: 10, Steps: 20, Loss: 0.5, MACs: 1})
	if p.training != "  epoch 1/2  loss 0.5  MACs 100.0 %" || p.bar.Current() != 10 || out.Len() > 0 {
		t.Errorf("the bar is at %d and says %q; %q was written", p.bar.Current(), p.training, out.String())
	}
	p.close()
}
