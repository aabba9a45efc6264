package pipeline

import (
	"os"
	"path/filepath"

	"onnxcompress/onnx"
)

// staging is a folder beside a destination in which a file, and the data file
// that may go with it, waits to get its name: there it may be opened and judged
// without anybody taking it for the result.
type staging struct{ dir, destination string }

func stage(destination string) (*staging, error) {
	dir, err := os.MkdirTemp(filepath.Dir(destination), ".compress-")
	if err != nil {
		return nil, err
	}
	return &staging{dir, destination}, nil
}

// path is the file in waiting. It already has the name it will get, because a
// model names its data file after itself.
func (s *staging) path() string { return filepath.Join(s.dir, filepath.Base(s.destination)) }

// publish gives the files their names, the data before the model that reads it.
func (s *staging) publish() error {
	data := onnx.DataFile(s.path())
	if _, err := os.Stat(data); err == nil {
		if err := os.Rename(data, onnx.DataFile(s.destination)); err != nil {
			return err
		}
	}
	return os.Rename(s.path(), s.destination)
}

// discard removes what is still in waiting.
func (s *staging) discard() { _ = os.RemoveAll(s.dir) }
