package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"onnxcompress/compress/optim"
	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
	"onnxcompress/runtime"
)

// Checkpoint is where a training keeps what it goes on from: one npz file, which
// is replaced as a whole.
type Checkpoint struct {
	Dir string
	// Every is how long at most the training goes on without one.
	Every time.Duration
	// Task names what is trained and how. Only a checkpoint of the same goes on.
	Task string

	last time.Time
}

// Path is the file.
func (c *Checkpoint) Path() string { return filepath.Join(c.Dir, "checkpoint.npz") }

// Remove deletes the checkpoint, and the folder if nothing else is there.
func (c *Checkpoint) Remove() error {
	var errs []error
	for _, path := range []string{c.Path(), c.start()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	c.sweep()
	_ = os.Remove(c.Dir)
	return errors.Join(errs...)
}

// sweep deletes what a process left that was killed while it wrote.
func (c *Checkpoint) sweep() {
	left, _ := filepath.Glob(filepath.Join(c.Dir, ".*-*"))
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// record is what a checkpoint holds besides arrays.
type record struct {
	Task  string          `json:"task"`
	Step  int             `json:"step"`
	Seed  uint64          `json:"trainer_steps"`
	Gone  []int           `json:"gone"`
	Cut   []int           `json:"cut"`
	State json.RawMessage `json:"method"`
	Keep  []int           `json:"keep,omitempty"`
	// Variables are those of the compact model, in order. Moved counts the steps of each variable that the optimiser remembers.
	Variables []string `json:"variables"`
	Moved     []int    `json:"moved"`
	Curve     []Point  `json:"curve"`
	Best      *float64 `json:"best,omitempty"`
	Whole     bool     `json:"whole"`
}

// save writes a checkpoint if it is time to, or if it must be.
func (t *Task) save(now bool) error {
	c := t.Checkpoint
	if c == nil {
		return nil
	}
	if c.last.IsZero() && !now {
		c.last = time.Now()
	}
	if !now && time.Since(c.last) < c.Every {
		return nil
	}
	arrays, err := t.pack()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	c.sweep()
	err = npy.WriteArchive(c.Path(), slices.Sorted(maps.Keys(arrays)), arrays)
	c.last = time.Now()
	return err
}

// pack gathers everything that the training depends on.
func (t *Task) pack() (map[string]*tensor.Tensor, error) {
	n := t.Net
	arrays := map[string]*tensor.Tensor{}
	n.sync()
	for name, w := range n.full {
		arrays["weight/"+name] = w
	}
	r := record{Task: t.Checkpoint.Task, Step: t.step, Seed: n.trainer.State().Steps, Curve: t.curve, Whole: t.Whole}
	for g := range n.Graph.Groups {
		if n.gone.Has(g) {
			r.Gone = append(r.Gone, g)
		}
		if n.cut.Has(g) {
			r.Cut = append(r.Cut, g)
		}
	}
	for _, v := range n.Variables() {
		r.Variables = append(r.Variables, v.Name)
	}
	r.Keep = slices.Sorted(maps.Keys(t.Keep))
	for i, m := range t.Optimiser.Memories() {
		r.Moved = append(r.Moved, m.Steps)
		for k, moment := range m.Moments {
			arrays[fmt.Sprintf("moment/%d/%d", i, k)] = flat(moment)
		}
	}
	if c, ok := t.Method.(Carrier); ok {
		for name, list := range c.Carried() {
			for i, a := range list {
				if a != nil {
					arrays[fmt.Sprintf("carried/%s/%d", name, i)] = flat(a)
				}
			}
		}
	}
	if t.best != nil {
		r.Best = &t.best.score
		for name, w := range t.best.weights {
			arrays["best/"+name] = w
		}
	}
	var err error
	if r.State, err = json.Marshal(t.Method.State()); err != nil {
		return nil, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	arrays["record"] = &tensor.Tensor{DType: tensor.Uint8, Shape: []int64{int64(len(text))}, Data: text}
	return arrays, nil
}

func flat(v []float32) *tensor.Tensor { return tensor.FromFloat32s([]int64{int64(len(v))}, v) }

// Resume goes on from the checkpoint. It is false, and nothing has changed, where
// there is none.
func (t *Task) Resume() (bool, error) {
	path := t.Checkpoint.Path()
	arrays, _, err := npy.ReadArchive(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := t.unpack(arrays); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}

func (t *Task) unpack(arrays map[string]*tensor.Tensor) error {
	var r record
	if arrays["record"] == nil || arrays["record"].DType != tensor.Uint8 {
		return errors.New("is no checkpoint")
	}
	if err := json.Unmarshal(arrays["record"].Data, &r); err != nil {
		return err
	}
	if len(r.Keep) > 0 && t.Keep == nil {
		t.Keep = map[int]bool{}
	}
	if r.Task != t.Checkpoint.Task {
		return fmt.Errorf("is of another run: %s; this is %s", r.Task, t.Checkpoint.Task)
	}
	if err := t.Net.restore(&r, arrays); err != nil {
		return err
	}
	if err := t.Method.Restore(r.State); err != nil {
		return err
	}
	vars := len(t.Net.Variables())
	if !slices.EqualFunc(r.Variables, t.Net.Variables(), func(name string, v runtime.Variable) bool { return name == v.Name }) {
		return errors.New("its weights are in another order than this model's")
	}
	if r.Moved != nil {
		if len(r.Moved) != vars {
			return fmt.Errorf("remembers %d variables, not %d", len(r.Moved), vars)
		}
		memories := make([]optim.Memory, vars)
		for i := range memories {
			memories[i].Steps = r.Moved[i]
			for k := 0; arrays[fmt.Sprintf("moment/%d/%d", i, k)] != nil; k++ {
				memories[i].Moments = append(memories[i].Moments, arrays[fmt.Sprintf("moment/%d/%d", i, k)].Float32s())
			}
		}
		t.Optimiser.Recall(memories)
	}
	if c, ok := t.Method.(Carrier); ok {
		c.Carry(carried(arrays, vars))
	}
	if r.Best != nil {
		t.best = &best{score: *r.Best}
		var err error
		if t.best.weights, err = weightsOf(t.Net.Trainer().State().Weights, arrays, "best/"); err != nil {
			return err
		}
	}
	for _, g := range r.Keep {
		t.Keep[g] = true
	}
	t.step, t.curve, t.Whole = r.Step, r.Curve, r.Whole
	return nil
}

// carried are the arrays of a Carrier.
func carried(arrays map[string]*tensor.Tensor, vars int) map[string]Arrays {
	all := map[string]Arrays{}
	for name, a := range arrays {
		own, ok := strings.CutPrefix(name, "carried/")
		if !ok {
			continue
		}
		at := strings.LastIndexByte(own, '/')
		i, err := strconv.Atoi(own[at+1:])
		if err != nil || i < 0 || i >= vars {
			continue
		}
		if all[own[:at]] == nil {
			all[own[:at]] = make(Arrays, vars)
		}
		all[own[:at]][i] = a.Float32s()
	}
	return all
}

// weightsOf are the arrays of a checkpoint for each of some weights, in its type:
// what numpy has no type for is wider in the file.
func weightsOf(weights, arrays map[string]*tensor.Tensor, prefix string) (map[string]*tensor.Tensor, error) {
	all := make(map[string]*tensor.Tensor, len(weights))
	for name, w := range weights {
		from := arrays[prefix+name]
		if from == nil || from.Len() != w.Len() || from.DType != w.DType && w.DType < tensor.BFloat16 {
			return nil, fmt.Errorf("weight %s is not that of this model", name)
		}
		if from.DType != w.DType {
			from = from.As(w.DType)
		}
		all[name] = from
	}
	return all, nil
}

// restore brings the net to where a checkpoint was written.
func (n *Net) restore(r *record, arrays map[string]*tensor.Tensor) error {
	weights, err := weightsOf(n.full, arrays, "weight/")
	if err != nil {
		return err
	}
	for _, g := range append(append([]int{}, r.Gone...), r.Cut...) {
		if g < 0 || g >= len(n.Graph.Groups) {
			return fmt.Errorf("there is no group %d", g)
		}
	}
	for name, w := range n.full {
		copy(w.Data, weights[name].Data)
	}
	if err := n.trainer.Restore(n.state(r.Seed)); err != nil {
		return err
	}
	for _, g := range r.Cut {
		n.gone.Add(g)
	}
	if n.gone.Len > 0 {
		if err := n.Shrink(&optim.SGD{}, nil); err != nil {
			return err
		}
	}
	for _, g := range r.Gone {
		n.gone.Add(g)
	}
	return nil
}
