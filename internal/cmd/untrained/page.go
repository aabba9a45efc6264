package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"onnxcompress/internal/trained"
)

const head = `# Accuracy against MACs, untrained

Written by ` + "`make untrained`" + ` (some models alone: ` + "`make untrained MODELS=a,b`" + `) from the trained models and data of
` + "`../shared`" + `: top-1 accuracy on the whole test set, in per cent, after compression to a share of the MACs. Nothing was
trained. The settings are the defaults, the same for every model, with seed 0; they were chosen by agreement on training
images held back, in runs that printed test accuracy too.

- **obs, 500 images**: 500 training images without labels are looked at.
- **obs, no data**: the model is all there is; its inputs are noise, for images with the spectrum of images.
- **magnitude, sliced**: channels of small weights are cut out and the rest keeps its values.
- **onnxsim**: the point of onnxsim 0.8.1's ` + "`apply_structured_pruning`" + ` (of its runs with one ratio and with a global one)
  that is nearest in MACs, as ` + "`../shared/models/peers.json`" + ` has it. It looks at no data.

In brackets: the MACs that remain, in per cent of the original's.
`

// page is the text of the results: a section for each model, by name.
type page map[string]string

// readPage keeps the sections of an earlier page, so that models can be
// measured a few at a time; there may be no such file.
func readPage(path string) (page, error) {
	p := page{}
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	for _, section := range strings.Split(string(old), "\n## ")[1:] {
		name, _, _ := strings.Cut(section, "\n")
		p[name] = "\n## " + strings.TrimRight(section, "\n") + "\n"
	}
	return p, err
}

func (p page) String() string {
	text := head
	for _, name := range slices.Sorted(maps.Keys(p)) {
		text += p[name]
	}
	return text
}

// model adds the table of one model and the commands of its rows.
func (p page) model(m trained.Model, r *results, peers []trained.Peer) {
	var text strings.Builder
	fmt.Fprintf(&text, "\n## %s\n\nOriginal: %.2f %%.\n\n| MACs |", m.Name, 100*r.accuracy)
	for _, w := range ways {
		fmt.Fprintf(&text, " %s |", w.title)
	}
	fmt.Fprintf(&text, " onnxsim |\n|--:|%s--:|\n", strings.Repeat("--:|", len(ways)))
	for _, line := range r.rows {
		fmt.Fprintf(&text, "| %.0f %% |", 100*line.share)
		for _, c := range line.cells {
			fmt.Fprintf(&text, " %.2f (%.1f) |", 100*c.accuracy, 100*c.macs)
		}
		if best, ok := nearest(peers, m.Trained, line.share); ok {
			fmt.Fprintf(&text, " %.2f (%.1f) |\n", 100*best.After, 100*best.MACs)
		} else {
			text.WriteString(" |\n")
		}
	}
	text.WriteString("\n")
	for _, line := range r.rows {
		for _, w := range ways {
			fmt.Fprintf(&text, "    %s\n", command(m, w, line.share))
		}
	}
	p[m.Name] = text.String()
}

// command is what gives one result.
func command(m trained.Model, w way, share float64) string {
	data := filepath.ToSlash(m.Data)
	text := fmt.Sprintf("compress %s --method %s --target-macs %.0f%% --val %s", filepath.ToSlash(m.Path), w.method, 100*share, data)
	if w.calibrated {
		text += fmt.Sprintf(" --calib %s --num-samples 500", data)
	}
	return strings.Join(append([]string{text}, m.Flags()...), " ")
}

// nearest is the peer's result for a model that comes nearest to a share of the
// MACs; of several the most accurate.
func nearest(peers []trained.Peer, name string, share float64) (best trained.Peer, ok bool) {
	distance := func(p trained.Peer) float64 { return max(p.MACs-share, share-p.MACs) }
	for _, p := range peers {
		if p.Model != name {
			continue
		}
		d, least := distance(p), distance(best)
		if !ok || d < least || d == least && p.After > best.After {
			best, ok = p, true
		}
	}
	return best, ok
}
