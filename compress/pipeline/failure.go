package pipeline

import "fmt"

// Kind is how a run failed; its number is the exit code.
type Kind int

// The kinds of failure that are no fault of this program or its machine.
const (
	// BadInput is wrong usage or a file that cannot be used.
	BadInput Kind = 2
	// Unsupported is a model of which nothing can be cut although a target
	// asks for it, or that onnxruntime refuses.
	Unsupported Kind = 3
	// Disagrees says that the compact model does not compute what it must.
	Disagrees Kind = 4
	// Missed says that a target or a guard given by hand is not met.
	Missed Kind = 5
)

// Failure is an error with its kind.
type Failure struct {
	Kind Kind
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// Fail is a Failure with a formatted message.
func Fail(kind Kind, format string, args ...any) error {
	return &Failure{kind, fmt.Errorf(format, args...)}
}
