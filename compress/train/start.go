package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// start is where the model lies that the training began with. What a checkpoint
// goes on from is the full weights of just this model.
func (c *Checkpoint) start() string { return filepath.Join(c.Dir, "start.onnx") }

// The entries of the model's metadata that say whose it is.
const (
	taskKey = "compress.training.task"
	noteKey = "compress.training.note"
)

// Begin keeps the model that a training begins with, and a note, which
// encoding/json can write.
func (c *Checkpoint) Begin(m *onnx.Model, note any) error {
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	c.sweep()
	if err := os.Remove(c.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // it went on from another beginning
	}
	own := m.Clone()
	defer own.Close()
	for _, entry := range [][2]string{{taskKey, c.Task}, {noteKey, string(text)}} {
		own.Proto.MetadataProps = append(own.Proto.MetadataProps, &onnx.StringStringEntryProto{
			Key: proto.String(entry[0]), Value: proto.String(entry[1]),
		})
	}
	return own.Save(c.start())
}

// Began is the model that Begin kept, to be closed by the caller, with its note;
// nil where there is none. It is an error if it is another run's.
func (c *Checkpoint) Began(note any) (*onnx.Model, error) {
	if _, err := os.Stat(c.start()); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	m, err := onnx.Load(c.start())
	if err != nil {
		return nil, err
	}
	entries := map[string]string{}
	m.Proto.MetadataProps = slices.DeleteFunc(m.Proto.MetadataProps, func(p *onnx.StringStringEntryProto) bool {
		entries[p.GetKey()] = p.GetValue()
		return p.GetKey() == taskKey || p.GetKey() == noteKey
	})
	if entries[taskKey] != c.Task {
		err = fmt.Errorf("%s: is of another run: %s; this is %s", c.start(), entries[taskKey], c.Task)
	} else if err = json.Unmarshal([]byte(entries[noteKey]), note); err != nil {
		err = fmt.Errorf("%s: %w", c.start(), err)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}
