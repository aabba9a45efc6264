package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"onnxcompress/compress"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// Native is the engine of package runtime as pipeline.Runner. It needs no
// library.
type Native struct {
	yardstick
	options runtime.Options
}

// NewNative returns an engine that computes on so many threads, 0 for all cores,
// and draws at random from seed what operators draw.
func NewNative(threads int, seed int64) *Native {
	return &Native{options: runtime.Options{Threads: threads, Seed: uint64(seed)}}
}

// Open implements compress.Runner.
func (n *Native) Open(model []byte) (compress.Session, error) {
	m, err := onnx.Parse(model)
	if err != nil {
		return nil, err
	}
	return n.open(m)
}

// OpenFile implements compress.Runner.
func (n *Native) OpenFile(path string) (compress.Session, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, err
	}
	s, err := n.open(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (n *Native) open(m *onnx.Model) (compress.Session, error) {
	s, err := runtime.Open(m, n.options)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return native{s, m}, nil
}

// Latency implements pipeline.Runner.
func (n *Native) Latency(in compress.Inputs, files ...string) ([]time.Duration, error) {
	var sessions []compress.Session
	for _, f := range files {
		s, err := n.OpenFile(f)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		sessions = append(sessions, s)
	}
	times := make([][]time.Duration, len(files))
	begin := time.Now()
	for round := 0; round < briefly.Warmup+briefly.MinRuns || time.Since(begin) < briefly.MaxTime; round++ {
		for i, s := range sessions {
			start := time.Now()
			if _, err := s.Run(in); err != nil {
				return nil, err
			}
			if round >= briefly.Warmup {
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	medians := make([]time.Duration, len(files))
	for i, t := range times {
		slices.Sort(t)
		medians[i] = t[len(t)/2]
	}
	return medians, nil
}

// native is a model open in the native engine.
type native struct {
	*runtime.Session
	model *onnx.Model
}

// Run implements compress.Session. A sequence gives its tensors as name[0],
// name[1], ..., a map name.keys and name.values, as they do in onnxruntime, and an
// optional without content nothing.
func (s native) Run(in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	values, err := s.Session.Run(in)
	if err != nil {
		if s.model.Path != "" {
			err = fmt.Errorf("%s: %w", s.model.Path, err)
		}
		return nil, err
	}
	out := make(map[string]*tensor.Tensor, len(values))
	for name, v := range values {
		spread(name, v, out)
	}
	return out, nil
}

func spread(name string, v *tensor.Tensor, out map[string]*tensor.Tensor) {
	switch {
	case v == nil || v.Kind == tensor.AbsentKind:
	case v.Kind == tensor.ListKind:
		for i, item := range v.Items {
			spread(fmt.Sprintf("%s[%d]", name, i), item, out)
		}
	case v.Kind == tensor.MapKind:
		out[name+".keys"], out[name+".values"] = v.Items[0], v.Items[1]
	default:
		out[name] = v
	}
}

// Close implements compress.Session.
func (s native) Close() error {
	return errors.Join(s.Session.Close(), s.model.Close())
}
