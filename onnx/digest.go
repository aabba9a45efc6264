package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
)

// Digest is the SHA-256 of what the model was loaded from, in hexadecimal: the
// bytes of its file and then those of its data files, in the order of the
// locations by which the model names them. It is an error if the model was not
// loaded from a file.
func (m *Model) Digest() (string, error) {
	if m.Path == "" || m.source == nil {
		return "", errors.New("the model is not open from a file")
	}
	f, err := os.Open(m.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	for _, location := range slices.Sorted(maps.Keys(m.source.external)) {
		h.Write(m.source.external[location])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
