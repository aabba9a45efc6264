// Package ort runs ONNX models in onnxruntime: it finds or fetches the shared
// library, opens models, runs and times them, and compares the outputs of two.
package ort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	onnxruntime "github.com/yalue/onnxruntime_go"
)

var (
	// ErrLibrary is wrapped by every error about onnxruntime's shared library.
	ErrLibrary = errors.New("onnxruntime's library")
	// ErrLoad is wrapped by the error of a model that onnxruntime refuses.
	ErrLoad = errors.New("onnxruntime cannot load the model")
	// ErrRun is wrapped by the error of a run that fails: the model stands, its
	// inputs may be what it cannot take.
	ErrRun = errors.New("onnxruntime cannot run the model")
)

var environment struct {
	sync.Mutex
	library string
}

// Init loads the shared library and starts onnxruntime, once per process. A
// second call with the same library does nothing; one with another is an error,
// because a process holds only one onnxruntime. Sessions need it called first.
func Init(library string) error {
	environment.Lock()
	defer environment.Unlock()
	if environment.library != "" {
		if library != environment.library {
			return fmt.Errorf("%w: %s: this process already runs %s", ErrLibrary, library, environment.library)
		}
		return nil
	}
	onnxruntime.SetSharedLibraryPath(loadable(library))
	// Every failure comes back as an error; logged as well it would be told twice.
	if err := onnxruntime.InitializeEnvironment(onnxruntime.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("%w: %s does not start (%s); 1.24 or newer is needed; %s", ErrLibrary, library, oneLine(err), howToGet)
	}
	environment.library = library
	return nil
}

// Version is the version of the onnxruntime that Init started, empty before.
func Version() string {
	if !onnxruntime.IsInitialized() {
		return ""
	}
	return onnxruntime.GetVersion()
}

// loadable makes a file's path absolute, for the dynamic loader looks up names
// without a slash in the system's folders only.
func loadable(library string) string {
	if _, err := os.Stat(library); err != nil {
		return library
	}
	if abs, err := filepath.Abs(library); err == nil {
		return abs
	}
	return library
}

// wrappers are onnxruntime_go's own words in front of onnxruntime's.
var wrappers = []string{
	"Error creating C session from file: ", "Error creating C session: ", "Error loading temporary session: ",
	"Error creating temporary session: ", "Error running network: ", "Platform-specific initialization failed: ",
}

const maxMessage = 600

// oneLine is an error's message without line breaks, the wrapper's preamble and
// the tail of a very long one.
func oneLine(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	for _, w := range wrappers {
		s = strings.TrimPrefix(s, w)
	}
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage]) + "..."
	}
	return s
}
