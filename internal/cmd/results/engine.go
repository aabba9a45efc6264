package main

import (
	"math/rand/v2"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/pipeline"
	"onnxcompress/runtime/ort"
)

// engine is onnxruntime as the pipeline wants it.
type engine struct{}

type session struct{ *ort.Session }

func (s session) Close() error { s.Session.Close(); return nil }

func (engine) Open(model []byte) (compress.Session, error) {
	s, err := ort.OpenBytes(model, ort.Options{})
	return session{s}, err
}

func (engine) OpenFile(path string) (compress.Session, error) {
	s, err := ort.Open(path, ort.Options{})
	return session{s}, err
}

func (engine) Random(ports []dataset.Port, shapes map[string][]int64, seed int64) (compress.Inputs, error) {
	return dataset.Random(ports, shapes, rand.New(rand.NewPCG(uint64(seed), 0)))
}

func (engine) Difference(want, got pipeline.Outputs) float64 {
	worst := 0.0
	for name, t := range want {
		worst = max(worst, ort.CompareTensors(name, t, got[name]).RelError)
	}
	return worst
}

// Latency is not asked for here.
func (engine) Latency(_ compress.Inputs, files ...string) ([]time.Duration, error) {
	return make([]time.Duration, len(files)), nil
}
