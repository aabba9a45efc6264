package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// meter measures nets.
type meter struct {
	options
	torch   bool
	version string // of PyTorch
}

// reading is what one round measures: samples a second, and bytes.
type reading struct {
	train, infer, memory                float64
	torchTrain, torchInfer, torchMemory float64
	ort                                 float64
}

// measure takes all rounds of one net, everything in turn within each, since the
// pace of machines drifts.
func (m *meter) measure(ctx context.Context, n net) (row, error) {
	r := row{net: n}
	for i := range m.rounds {
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", n.name, i+1, m.rounds)
		one, err := m.round(ctx, n)
		if err != nil {
			return r, err
		}
		r.rounds = append(r.rounds, one)
	}
	return r, nil
}

func (m *meter) round(ctx context.Context, n net) (r reading, err error) {
	if m.torch {
		if err := m.pytorch(ctx, n, &r); err != nil {
			return r, err
		}
	}
	train, err := m.bench(ctx, n, "native", "--train")
	if err != nil {
		return r, err
	}
	r.train, r.memory = train.Speed, train.Peak
	infer, err := m.bench(ctx, n, "native")
	if err != nil {
		return r, err
	}
	r.infer = infer.Speed
	ort, err := m.bench(ctx, n, "onnxruntime")
	r.ort = ort.Speed
	return r, err
}

// benched is what compress bench says.
type benched struct {
	Speed float64 `json:"samples_per_second"`
	Peak  float64 `json:"peak_bytes"`
}

func (m *meter) bench(ctx context.Context, n net, engine string, more ...string) (b benched, err error) {
	args := append([]string{
		"bench", filepath.Join(m.nets, n.file()), "--engine", engine, "--batch", strconv.Itoa(n.batch),
		"--threads", strconv.Itoa(m.threads), "--runs", "12", "--time", "2s", "--json", "-",
	}, more...)
	out, err := output(ctx, m.compress, args...)
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(out, &b)
}

func (m *meter) pytorch(ctx context.Context, n net, r *reading) error {
	out, err := output(ctx, m.python, m.script, "--only", n.name, "--threads", strconv.Itoa(m.threads))
	if err != nil {
		return err
	}
	var said struct {
		Batch   int
		Version string  `json:"torch"`
		Train   float64 `json:"train_median"`
		Infer   float64 `json:"infer_best"`
		Peak    float64 `json:"peak_mib"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return err
	}
	if said.Batch != n.batch {
		return fmt.Errorf("PyTorch runs batches of %d, not %d", said.Batch, n.batch)
	}
	m.version = said.Version
	r.torchTrain, r.torchInfer, r.torchMemory = said.Train, said.Infer, said.Peak*(1<<20)
	return nil
}
