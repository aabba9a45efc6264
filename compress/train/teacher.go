package train

import (
	"fmt"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// Teacher says what the original model makes of a batch.
type Teacher struct {
	session *runtime.Session
	output  string
	joined  []string
	// Widths are the lengths of the joined outputs in what was said last.
	Widths []int
	cache  *tensor.Tensor
	// filled marks the samples that the cache holds.
	filled []bool
	row    []int64
}

// NewTeacher opens a model as Prepare makes it. Output is the one that is trained,
// joined the outputs that it is made of, where those are several. The model must stay open.
func NewTeacher(m *onnx.Model, output string, joined []string, threads int) (*Teacher, error) {
	s, err := runtime.Open(m, runtime.Options{Threads: threads})
	if err != nil {
		return nil, err
	}
	return &Teacher{session: s, output: output, joined: joined}, nil
}

// Close gives the teacher up.
func (t *Teacher) Close() error { return t.session.Close() }

// most is how many numbers a teacher remembers.
const most = 1 << 27

// Remember lets the teacher compute what it says of each of a number of samples
// only once: samples must be the same each time, by Batch.Index, and what is said
// have a row for each.
func (t *Teacher) Remember(samples int) {
	t.filled = make([]bool, samples)
}

// Say is the trained output for a batch, valid until the next call.
func (t *Teacher) Say(b Batch) (*tensor.Tensor, error) {
	if out := t.recall(b.Index); out != nil {
		return out, nil
	}
	all, err := t.session.Run(b.Inputs)
	if err != nil {
		return nil, err
	}
	out := all[t.output]
	if out == nil || out.DType != tensor.Float32 {
		return nil, fmt.Errorf("output %s is no tensor of float32", t.output)
	}
	t.Widths = t.Widths[:0]
	for _, name := range t.joined {
		t.Widths = append(t.Widths, all[name].Len())
	}
	t.keep(b.Index, out)
	return out, nil
}

// Apart are the outputs that the trained one is made of, for a batch.
func (t *Teacher) Apart(b Batch) ([]*tensor.Tensor, error) {
	all, err := t.session.Run(b.Inputs)
	if err != nil {
		return nil, err
	}
	if len(t.joined) == 0 {
		return []*tensor.Tensor{all[t.output]}, nil
	}
	var list []*tensor.Tensor
	for _, name := range t.joined {
		list = append(list, all[name])
	}
	return list, nil
}

// recall gives what is remembered of all samples, nil where one is not.
func (t *Teacher) recall(index []int) *tensor.Tensor {
	if t.cache == nil || index == nil {
		return nil
	}
	for _, i := range index {
		if !t.filled[i] {
			return nil
		}
	}
	out := tensor.New(tensor.Float32, append([]int64{int64(len(index))}, t.row...)...)
	size := len(out.Data) / len(index)
	for k, i := range index {
		copy(out.Data[k*size:(k+1)*size], t.cache.Data[i*size:])
	}
	return out
}

// keep remembers what was said, where it comes apart into samples.
func (t *Teacher) keep(index []int, out *tensor.Tensor) {
	if t.filled == nil || index == nil || out.Rank() == 0 || int(out.Shape[0]) != len(index) || out.Len() == 0 {
		return
	}
	size := out.Len() / len(index)
	if t.cache == nil {
		if size*len(t.filled) > most {
			t.filled = nil
			return
		}
		t.row = out.Shape[1:]
		t.cache = tensor.New(tensor.Float32, int64(len(t.filled)), int64(size))
	}
	for k, i := range index {
		copy(t.cache.Data[4*i*size:4*(i+1)*size], out.Data[4*k*size:])
		t.filled[i] = true
	}
}
