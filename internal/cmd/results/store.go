package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record is what one trial came to.
type record struct {
	// Command is the key.
	Command string `json:"command"`
	Seed    int    `json:"seed"`
	// Wall is the time of the whole process in seconds, on this machine.
	Wall    float64 `json:"wall"`
	Machine string  `json:"machine"`
	// Report is what the program said.
	Report json.RawMessage `json:"report"`
}

// store keeps records in a file, one a line. It is written whenever a record
// comes, and is whole at any time.
type store struct {
	path  string
	lines []record
	at    map[string]int
}

// openStore reads what there is; there may be no file yet.
func openStore(path string) (*store, error) {
	s := &store{path: path, at: map[string]int{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		s.put(r)
	}
	return s, lines.Err()
}

// get finds the record of a command.
func (s *store) get(command string) (record, bool) {
	i, ok := s.at[command]
	if !ok {
		return record{}, false
	}
	return s.lines[i], true
}

func (s *store) put(r record) {
	if i, ok := s.at[r.Command]; ok {
		s.lines[i] = r
		return
	}
	s.at[r.Command] = len(s.lines)
	s.lines = append(s.lines, r)
}

// add keeps a record, in the place of an earlier one of its command, and returns
// when it is on the disk.
func (s *store) add(r record) error {
	s.put(r)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	for _, r := range s.lines {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return replace(s.path, text.Bytes())
}

// replace gives a file new content; a reader finds the old or the new one.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
