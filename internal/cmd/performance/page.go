package main

import (
	"fmt"
	"slices"
	"strings"

	"onnxcompress/internal/markdown"
)

// row is what was measured of one net.
type row struct {
	net
	rounds []reading
}

// median is that of a figure over the rounds; 0 where nothing was measured.
func (r row) median(of func(reading) float64) float64 {
	var v []float64
	for _, x := range r.rounds {
		v = append(v, of(x))
	}
	return median(v)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// page is the text of docs/performance.md.
type page struct {
	machine         string
	threads, rounds int
	torch           string // its version
	missing         string // why PyTorch was not measured
	rows            []row
}

const head = `# Speed and memory

Written by ` + "`make performance`" + ` from the six reference nets of ` + "`torch_speed.py`" + `, which PyTorch exports with BatchNorm kept
(` + "`make performance NETS=folder`" + ` takes nets exported before). Everything of one net is measured in turn, each in a process
of its own, round after round. Figures are medians over the rounds, ratios the medians of the ratios within a round: both
sides of a ratio were measured next to each other. Other work may have shared the machine.

Rounds: %d; threads: %d; processor: %s.

- Training is one step: forward, cross-entropy, gradients, SGD with momentum; BatchNorm and Dropout as in training.
  Samples a second are those of the median step, memory is the most that the process was resident in.
- Inference is the model as it was exported, on one batch. PyTorch's figure is that of its best run, the others those of
  the median run.
`

func (p page) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, head, p.rounds, p.threads, p.machine)
	if p.missing != "" {
		fmt.Fprintf(&text, "\nPyTorch was not measured: %s.\n", p.missing)
	} else {
		fmt.Fprintf(&text, "\nPyTorch is %s.\n", p.torch)
	}
	text.WriteString(p.training())
	text.WriteString(p.inference())
	text.WriteString("\nOne figure alone: `compress bench NET.onnx --engine native --train --batch 64 --threads 2`.\n")
	return text.String()
}

func (p page) training() string {
	t := markdown.Table{Text: 1, Head: []string{"net", "batch", "engine, samples/s", "PyTorch", "ratio", "engine, MiB", "PyTorch", "ratio"}}
	var speed, memory []float64
	for _, r := range p.rows {
		faster := r.median(func(x reading) float64 { return ratio(x.train, x.torchTrain) })
		larger := r.median(func(x reading) float64 { return ratio(x.memory, x.torchMemory) })
		speed, memory = append(speed, faster), append(memory, larger)
		t.Add(r.name, fmt.Sprint(r.batch),
			count(r.median(func(x reading) float64 { return x.train })), count(r.median(func(x reading) float64 { return x.torchTrain })), times(faster),
			count(r.median(func(x reading) float64 { return x.memory })/(1<<20)), count(r.median(func(x reading) float64 { return x.torchMemory })/(1<<20)), times(larger))
	}
	t.Add("median", "", "", "", times(median(speed)), "", "", times(median(memory)))
	return "\n## Training\n\n" + t.String()
}

func (p page) inference() string {
	t := markdown.Table{Text: 1, Head: []string{"net", "batch", "engine, samples/s", "onnxruntime", "ratio", "PyTorch", "ratio"}}
	var overORT, overTorch []float64
	for _, r := range p.rows {
		ort := r.median(func(x reading) float64 { return ratio(x.infer, x.ort) })
		torch := r.median(func(x reading) float64 { return ratio(x.infer, x.torchInfer) })
		overORT, overTorch = append(overORT, ort), append(overTorch, torch)
		t.Add(r.name, fmt.Sprint(r.batch),
			count(r.median(func(x reading) float64 { return x.infer })), count(r.median(func(x reading) float64 { return x.ort })), times(ort),
			count(r.median(func(x reading) float64 { return x.torchInfer })), times(torch))
	}
	t.Add("median", "", "", "", times(median(overORT)), "", times(median(overTorch)))
	return "\n## Inference\n\n" + t.String()
}

// ratio is a over b, 0 where b was not measured.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// count and times write figures; what was not measured stays empty.
func count(v float64) string { return unlessZero("%.0f", v) }

func times(v float64) string { return unlessZero("%.2f", v) }

func unlessZero(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}
