package ort

import (
	"fmt"
	"path/filepath"

	onnxruntime "github.com/yalue/onnxruntime_go"

	"onnxcompress/graph/tensor"
)

// Options say how a session computes.
type Options struct {
	// Threads is the number of threads one operator may use; 0 leaves the choice
	// to onnxruntime.
	Threads int
	// Optimize turns onnxruntime's own graph optimisations on.
	Optimize bool
}

// Port is an input or output of a model. DType is tensor.Undefined where the
// value is no tensor (a sequence, map or optional). A free dimension is -1. An
// empty Shape is a scalar or, where the model leaves it open, any shape.
type Port struct {
	Name  string
	DType tensor.DType
	Shape []int64
}

// Session is a model loaded in onnxruntime. Several goroutines may use it at
// once; Close comes after all of them.
type Session struct {
	name            string
	inputs, outputs []Port
	graft           graft
	session         *onnxruntime.DynamicAdvancedSession
}

// Open loads a model file, whose external data is read from beside it. Init
// comes first. The error of a model that does not load wraps ErrLoad.
func Open(path string, o Options) (*Session, error) {
	return open(source{path: path}, o)
}

// OpenBytes loads a serialized model of at most 2 GiB that keeps all its data
// within, under the same contract as Open. b is not needed afterwards.
func OpenBytes(b []byte, o Options) (*Session, error) {
	return open(source{bytes: b}, o)
}

func open(m source, o Options) (*Session, error) {
	s := &Session{name: m.name()}
	in, out, err := m.ports()
	if err != nil {
		return nil, fmt.Errorf("%w %s: %s", ErrLoad, s.name, oneLine(err))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w %s: it has no outputs", ErrLoad, s.name)
	}
	s.inputs, s.outputs = portsOf(in), portsOf(out)
	s.graft = newGraft(s.inputs, s.outputs)
	if s.session, err = m.session(s.graft, o); err != nil {
		return nil, fmt.Errorf("%w %s: %s", ErrLoad, s.name, oneLine(err))
	}
	return s, nil
}

func portsOf(infos []onnxruntime.InputOutputInfo) []Port {
	ports := make([]Port, len(infos))
	for i, v := range infos {
		ports[i] = Port{Name: v.Name, DType: tensor.DType(v.DataType), Shape: v.Dimensions}
		if v.OrtValueType != onnxruntime.ONNXTypeTensor {
			ports[i].DType = tensor.Undefined
		}
	}
	return ports
}

// Inputs are the inputs that a run must be given, in the model's order;
// initializers that an input may override are not among them.
func (s *Session) Inputs() []Port { return s.inputs }

// Outputs are the model's outputs in the model's order.
func (s *Session) Outputs() []Port { return s.outputs }

// Close frees the model. The session cannot be used afterwards; closing twice
// does nothing.
func (s *Session) Close() {
	if s.session != nil {
		s.session.Destroy()
		s.session = nil
	}
}

// source is where a model is: a file or, where path is empty, memory.
type source struct {
	path  string
	bytes []byte
}

func (m source) name() string {
	if m.path == "" {
		return "in memory"
	}
	return m.path
}

// ports asks a session that lives only for this, since names must be known
// before a session that runs is made.
func (m source) ports() (in, out []onnxruntime.InputOutputInfo, err error) {
	if m.path == "" {
		return onnxruntime.GetInputOutputInfoWithONNXData(m.bytes)
	}
	so, err := newSessionOptions(Options{Threads: 1}, map[string]string{"session.disable_prepacking": "1"})
	if err != nil {
		return nil, nil, err
	}
	defer so.Destroy()
	return onnxruntime.GetInputOutputInfoWithOptions(m.path, so)
}

func (m source) session(g graft, o Options) (*onnxruntime.DynamicAdvancedSession, error) {
	entries := map[string]string{}
	b := m.bytes
	if m.path != "" && len(g.bytes) > 0 {
		var err error
		if b, err = readModel(m.path); err != nil {
			return nil, err
		}
		entries["session.model_external_initializers_file_folder_path"] = filepath.Dir(m.path)
	}
	so, err := newSessionOptions(o, entries)
	if err != nil {
		return nil, err
	}
	defer so.Destroy()
	if b == nil {
		return onnxruntime.NewDynamicAdvancedSession(m.path, g.inputs, g.outputs, so)
	}
	return onnxruntime.NewDynamicAdvancedSessionWithONNXData(append(b[:len(b):len(b)], g.bytes...), g.inputs, g.outputs, so)
}

func newSessionOptions(o Options, entries map[string]string) (*onnxruntime.SessionOptions, error) {
	so, err := onnxruntime.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	level := onnxruntime.GraphOptimizationLevel(onnxruntime.GraphOptimizationLevelDisableAll)
	if o.Optimize {
		level = onnxruntime.GraphOptimizationLevelEnableAll
	}
	// Threads that spin on after a run would slow the model timed next.
	entries["session.force_spinning_stop"] = "1"
	steps := []func() error{
		func() error { return so.SetLogSeverityLevel(onnxruntime.LoggingLevelFatal) },
		func() error { return so.SetGraphOptimizationLevel(level) },
		func() error { return so.SetIntraOpNumThreads(max(o.Threads, 0)) },
		func() error { return so.SetInterOpNumThreads(1) },
	}
	for k, v := range entries {
		steps = append(steps, func() error { return so.AddSessionConfigEntry(k, v) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			so.Destroy()
			return nil, err
		}
	}
	return so, nil
}
