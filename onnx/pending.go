package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// pending are files that have been written but not been given their names.
type pending []pendingFile

type pendingFile struct{ temp, path string }

func (p *pending) write(path string, content func(io.Writer) error) error {
	f, err := createTemp(path)
	if err != nil {
		return err
	}
	*p = append(*p, pendingFile{f.Name(), path})
	err = content(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// createTemp makes a new file beside path. Unlike os.CreateTemp it leaves the
// permissions to the umask, as they are those of the finished file.
func createTemp(path string) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".onnx-%d-%d.tmp", os.Getpid(), try))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil || !errors.Is(err, os.ErrExist) || try == 1000 {
			return f, err
		}
	}
}

func (p *pending) commit() error {
	for len(*p) > 0 {
		if err := os.Rename((*p)[0].temp, (*p)[0].path); err != nil {
			return err
		}
		*p = (*p)[1:]
	}
	return nil
}

func (p *pending) discard() {
	for _, f := range *p {
		_ = os.Remove(f.temp)
	}
}
