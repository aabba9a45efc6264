// Package trained finds the trained models in ../shared, how they were trained,
// and what other tools make of them.
package trained

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Model is a trained model, its data and how that is normalised.
type Model struct {
	Name, Path, Data string
	// Mean and Std are nil where samples are taken as they are.
	Mean, Std []float64
	// Trained names the model whose description says how it was trained, and
	// Epochs is for how long.
	Trained string
	Epochs  int
}

// sets are the data sets by the name that descriptions give them.
var sets = map[string]string{"cf": "cifar10-images.zip", "fm": "fashion-mnist", "digits": "digits.npz"}

// Models finds the models below a folder and their descriptions. One with its batch
// normalisation kept is described with the one that has it folded.
func Models(shared string) ([]Model, error) {
	paths, err := filepath.Glob(filepath.Join(shared, "models", "*.onnx"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s/models: there are no models", shared)
	}
	var list []Model
	for _, path := range paths {
		m, err := describe(shared, path)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func describe(shared, path string) (Model, error) {
	name := strings.TrimSuffix(filepath.Base(path), ".onnx")
	m := Model{Name: name, Path: path, Trained: strings.TrimSuffix(name, "_bn")}
	text, err := os.ReadFile(filepath.Join(shared, "models", m.Trained+".json"))
	if err != nil {
		return m, err
	}
	var described struct {
		Data      string
		Epochs    int
		Mean, Std []float64
	}
	if err := json.Unmarshal(text, &described); err != nil {
		return m, fmt.Errorf("%s.json: %w", m.Trained, err)
	}
	set, ok := sets[described.Data]
	if !ok {
		return m, fmt.Errorf("%s.json: data set %q is not known", m.Trained, described.Data)
	}
	m.Data, m.Epochs = filepath.Join(shared, "data", set), described.Epochs
	if len(described.Mean) > 0 && slices.Max(described.Mean) > 0 {
		m.Mean, m.Std = described.Mean, described.Std
	}
	return m, nil
}

// Flags are the flags of compress that normalise the model's samples.
func (m Model) Flags() []string {
	if m.Mean == nil {
		return nil
	}
	return []string{"--mean", list(m.Mean), "--std", list(m.Std)}
}

func list(v []float64) string {
	text := make([]string, len(v))
	for i, x := range v {
		text[i] = fmt.Sprint(x)
	}
	return strings.Join(text, ",")
}
