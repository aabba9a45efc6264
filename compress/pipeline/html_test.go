package pipeline

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onnxcompress/compress/train"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everything is a report of a training with something in every section.
func everything() *Report {
	latency, faster, right, less, agree, engine := 2.0, 1.25, 0.9375, 0.921875, 0.984375, Number(1e-6)
	r := &Report{
		Input: "models/a <net> & \"more\".onnx", Output: "models/out.onnx",
		Before:       Measures{Nodes: 22, MACs: 763520, Params: 77418, Bytes: 313100, Latency: &latency, Metric: &right},
		After:        Measures{Nodes: 20, MACs: 367360, Params: 21690, Bytes: 90190, Latency: &faster, Metric: &less},
		Metric:       Accuracy,
		Groups:       Groups{Total: 224, Prunable: 220, Removed: 60},
		PrunableMACs: 0.96875,
		Pinned:       []Pinned{{Value: "fc.weight", Operator: "graph output", Reason: "its shape is the model's interface", MACs: 640}},
		Summary:      []PinnedShare{{Operator: "graph output", Reason: "its shape is the model's interface", Axes: 1, MACs: 640, Share: 0.03125}},
		Validation:   &Validation{MaxRelError: 3e-7, Inputs: 3, Engine: &engine},
		Method:       DHSPG, Seed: 7, Seconds: 12.5,
		Unsupported: []UnsupportedNode{{Node: `Scan "loop"`, Reason: "a subgraph cannot be narrowed", Groups: 4}},
		Fidelity:    &Fidelity{RelError: 0.03125, Agreement: &agree, Samples: 64},
		Notes:       []string{"BatchNormalization is put back for the training, and folded again", "<script>alert('no')</script>"},
		Data:        "1437 samples in 10 classes, of which 143 are held back",
		Layers:      []Layer{{"/conv1", "Conv", 10, 16}, {"/conv2", "Conv", 32, 32}, {"w3", "MatMul", 1, 3}},
		Target:      &Target{Quantity: MACs, Share: 0.5},
		Version:     "v1.2.3", Command: "compress 'a <net>.onnx' --target-macs 50%",
	}
	for i := range 5 {
		held := 0.5 + float64(i)/10
		p := train.Point{Step: 10 * i, Epoch: float64(i), Loss: 2 / float64(i+1), LR: 0.05 - float64(i)/100, MACs: 1 - float64(i)/8}
		if i > 0 {
			p.Held = &held
		}
		r.Curve = append(r.Curve, p)
	}
	return r
}

// TestPage: the page of a report with all there may be in one, and of one with
// next to nothing, are well-formed and as they were.
func TestPage(t *testing.T) {
	whole := &Report{Input: "a.onnx", Output: "b.onnx", Whole: true, Method: Magnitude}
	diverged := everything()
	for i := range diverged.Curve {
		diverged.Curve[i].Loss = math.NaN()
	}
	for name, r := range map[string]*Report{"report": everything(), "bare": whole, "diverged": diverged} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := r.WriteHTML(&b); err != nil {
				t.Fatal(err)
			}
			alone(t, b.String())
			if name == "diverged" {
				return
			}
			path := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("%s is not what the page is now; -update writes it anew:\n%s", path, b.String())
			}
		})
	}
}

// foreign are references of style sheets.
var foreign = regexp.MustCompile(`url\(|@import|expression\(`)

// alone holds a page to being well-formed (as XML, which is more than HTML asks
// for), without scripts, and without references to what is not in it.
func alone(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "script", "link", "iframe", "object", "embed", "img", "base":
			t.Errorf("there is a <%s>", start.Name.Local)
		}
		for _, a := range start.Attr {
			if name := a.Name.Local; name == "src" || name == "href" || strings.HasPrefix(name, "on") || foreign.MatchString(a.Value) {
				t.Errorf("<%s %s=%q>", start.Name.Local, name, a.Value)
			}
		}
	}
	if where := foreign.FindString(page); where != "" {
		t.Errorf("there is %s", where)
	}
	for _, scheme := range []string{"http:", "https:", "file:", "data:", "//"} {
		if strings.Contains(page, scheme) {
			t.Errorf("there is %s", scheme)
		}
	}
}

// TestSections: what has no content is left out.
func TestSections(t *testing.T) {
	sections := []struct {
		head  string
		empty func(*Report)
	}{
		{"<h2>Notes", func(r *Report) { r.Notes = nil }},
		{"<h2>Training", func(r *Report) { r.Curve = r.Curve[:1] }},
		{"<h2>What is kept", func(r *Report) { r.Layers = nil }},
		{"<h2>What cannot be cut", func(r *Report) { r.Pinned = nil }},
		{"<th>data", func(r *Report) { r.Data = "" }},
		{"<th>target", func(r *Report) { r.Target = nil }},
		{"<td>accuracy", func(r *Report) { r.After.Metric = nil }},
		{"--target-macs", func(r *Report) { r.Command = "" }},
		{"compress v1.2.3", func(r *Report) { r.Version = "" }},
	}
	for _, s := range sections {
		for _, empty := range []bool{false, true} {
			r := everything()
			if empty {
				s.empty(r)
			}
			var b bytes.Buffer
			if err := r.WriteHTML(&b); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), s.head) == empty {
				t.Errorf("%s: empty is %v", s.head, empty)
			}
		}
	}
}
