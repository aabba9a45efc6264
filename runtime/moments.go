package runtime

import (
	"errors"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Moments are the mean and the variance of each channel of a value, which is
// each index of its axis 1.
type Moments struct{ Mean, Variance []float64 }

// MeasureMoments runs a model on batches of inputs by name and gives the moments
// of values by name, over all samples and places. It is an error where there are
// no batches, or a value has no axis 1.
func MeasureMoments(m *onnx.Model, values []string, batches iter.Seq[map[string]*tensor.Tensor], o Options) (map[string]Moments, error) {
	own := m.Clone()
	defer own.Close()
	g := own.Proto.GetGraph()
	g.Output = nil
	for _, name := range values {
		g.Output = append(g.Output, &onnx.ValueInfoProto{Name: proto.String(name)})
	}
	s, err := Open(own, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	sums := make(map[string]*channelSums, len(values))
	for in := range batches {
		out, err := s.Run(in)
		if err != nil {
			return nil, err
		}
		for name, t := range out {
			if sums[name] == nil {
				sums[name] = &channelSums{}
			}
			if err := sums[name].add(t); err != nil {
				return nil, fmt.Errorf("value %s: %w", name, err)
			}
		}
	}
	moments := make(map[string]Moments, len(sums))
	for name, c := range sums {
		moments[name] = c.moments()
	}
	if len(moments) == 0 {
		return nil, errors.New("there are no samples")
	}
	return moments, nil
}

// channelSums adds up what channels hold, as distances from the first number of
// each, lest a large mean drown the variance.
type channelSums struct {
	first, sum, squares []float64
	count               float64
}

func (c *channelSums) add(t *tensor.Tensor) error {
	if t == nil || t.DType != tensor.Float32 || t.Rank() < 2 || t.Len() == 0 {
		return errors.New("is no tensor of floats with channels")
	}
	channels := int(t.Shape[1])
	plane := t.Len() / int(t.Shape[0]) / channels
	if c.first == nil {
		c.first, c.sum, c.squares = make([]float64, channels), make([]float64, channels), make([]float64, channels)
		for i := range c.first {
			c.first[i] = float64(t.Float32s()[i*plane])
		}
	}
	if len(c.sum) != channels {
		return fmt.Errorf("has %d channels and had %d", channels, len(c.sum))
	}
	for i := range t.Len() / plane {
		at := i % channels
		for _, v := range t.Float32s()[i*plane : (i+1)*plane] {
			d := float64(v) - c.first[at]
			c.sum[at] += d
			c.squares[at] += d * d
		}
	}
	c.count += float64(t.Len() / channels)
	return nil
}

func (c *channelSums) moments() Moments {
	m := Moments{make([]float64, len(c.sum)), make([]float64, len(c.sum))}
	for i := range c.sum {
		about := c.sum[i] / c.count
		m.Mean[i], m.Variance[i] = c.first[i]+about, max(c.squares[i]/c.count-about*about, 0)
	}
	return m
}
