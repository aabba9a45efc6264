package trained

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Peer is one result of another tool: accuracies, and shares of what the model
// had. Epochs and Seconds are 0 where nothing was trained.
type Peer struct {
	Method  string  `json:"method"`
	Model   string  `json:"model"`
	Epochs  int     `json:"epochs"`
	Before  float64 `json:"acc_before"`
	After   float64 `json:"acc_after"`
	MACs    float64 `json:"macs_left"`
	Params  float64 `json:"params_left"`
	Seconds float64 `json:"seconds"`
}

// Peers reads the results of other tools below a folder.
func Peers(shared string) ([]Peer, error) {
	path := filepath.Join(shared, "models", "peers.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []Peer
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}
