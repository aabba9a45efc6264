package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// model is a trained model, its data and how that is normalised.
type model struct {
	name, path, data string
	mean, std        []float64
	// trained names the model whose description says how it was trained.
	trained string
}

// sets are the data sets by the name that descriptions give them.
var sets = map[string]string{"cf": "cifar10-images.zip", "fm": "fashion-mnist", "digits": "digits.npz"}

// readModels finds the models and their descriptions. One with its batch
// normalisation kept is described with the one that has it folded.
func readModels(shared string) ([]model, error) {
	paths, err := filepath.Glob(filepath.Join(shared, "models", "*.onnx"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s/models: there are no models", shared)
	}
	var list []model
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		m := model{name: name, path: path, trained: strings.TrimSuffix(name, "_bn")}
		text, err := os.ReadFile(filepath.Join(shared, "models", m.trained+".json"))
		if err != nil {
			return nil, err
		}
		var described struct {
			Data      string
			Mean, Std []float64
		}
		if err := json.Unmarshal(text, &described); err != nil {
			return nil, fmt.Errorf("%s.json: %w", m.trained, err)
		}
		set, ok := sets[described.Data]
		if !ok {
			return nil, fmt.Errorf("%s.json: data set %q is not known", m.trained, described.Data)
		}
		m.data = filepath.Join(shared, "data", set)
		if slices.Max(described.Mean) > 0 {
			m.mean, m.std = described.Mean, described.Std
		}
		list = append(list, m)
	}
	return list, nil
}

// peer is one result of another tool.
type peer struct {
	Method   string  `json:"method"`
	Model    string  `json:"model"`
	Accuracy float64 `json:"acc_after"`
	MACs     float64 `json:"macs_left"`
}

func readPeers(path string) ([]peer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []peer
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return slices.DeleteFunc(list, func(p peer) bool { return !strings.HasPrefix(p.Method, "onnxsim") }), nil
}

// nearest is the peer's result for a model that comes nearest to a share of the
// MACs; of several the most accurate.
func nearest(peers []peer, name string, share float64) (best peer, ok bool) {
	distance := func(p peer) float64 { return max(p.MACs-share, share-p.MACs) }
	for _, p := range peers {
		if p.Model != name {
			continue
		}
		d, least := distance(p), distance(best)
		if !ok || d < least || d == least && p.Accuracy > best.Accuracy {
			best, ok = p, true
		}
	}
	return best, ok
}
