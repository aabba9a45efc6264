package dataset

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"onnxcompress/graph/tensor"
)

func TestParquet(t *testing.T) {
	hub, lists := contentOf(t, "testdata/hub.parquet"), contentOf(t, "testdata/lists.parquet")
	f32 := tensor.Float32
	grey := make([]float64, 10)
	for i := range grey {
		grey[i] = 10 * float64(i) / 255
	}
	pixels := make([]float64, 0, 20)
	for i := range 5 {
		pixels = append(pixels, float64(i)/255, float64(2*i)/255, float64(3*i)/255, 1)
	}
	mod3 := []int64{0, 1, 2, 0, 1, 2, 0, 1, 2, 0}
	for _, c := range []struct {
		name    string
		files   map[string][]byte
		o       Options
		shape   []int64
		values  []float64
		labels  []int64
		classes int
		targets []float32
	}{
		{"images of the hub", map[string][]byte{"train-00000-of-00001.parquet": hub}, Options{Inputs: port("x", f32, -1, 1, 1, 1)}, []int64{10, 1, 1, 1}, grey, mod3, 4, nil},
		{
			"shards of a part",
			map[string][]byte{"data/train-00000-of-00002.parquet": hub, "data/train-00001-of-00002.parquet": hub, "data/test-00000-of-00001.parquet": hub},
			Options{Inputs: port("x", f32, -1, 1, 1, 1)},
			[]int64{20, 1, 1, 1},
			slices.Concat(grey, grey),
			slices.Concat(mod3, mod3),
			4, nil,
		},
		{"lists by name", map[string][]byte{"0.parquet": lists}, Options{Inputs: port("tokens", tensor.Int64, -1, 3)}, []int64{5, 3}, []float64{0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6}, nil, 0, []float32{0, .5, 1, 1.5, 2}},
		{"lists of lists of bytes", map[string][]byte{"0.parquet": lists}, Options{Inputs: port("pixels", f32, -1, 1, 2, 2)}, []int64{5, 1, 2, 2}, pixels, nil, 0, []float32{0, .5, 1, 1.5, 2}},
		{"numbers", map[string][]byte{"0.parquet": lists}, Options{Inputs: port("b", f32, -1, 1)}, []int64{5, 1}, []float64{-2, -1, 0, 1, 2}, nil, 0, []float32{0, .5, 1, 1.5, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open1(t, writeTree(t, t.TempDir(), c.files), c.o)
			wantBatch(t, s, c.o.Inputs[0], c.shape, c.values, c.labels)
			if s.Classes() != c.classes {
				t.Errorf("%d classes", s.Classes())
			}
			wantTargets(t, s, c.targets)
		})
	}
}

func wantTargets(t *testing.T, s *Set, want []float32) {
	t.Helper()
	b, err := s.Read(upTo(s.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if want == nil {
		if b.Targets != nil {
			t.Errorf("targets %v", b.Targets.Float32s())
		}
		return
	}
	if b.Targets == nil || b.Labels != nil || !slices.Equal(b.Targets.Float32s(), want) {
		t.Errorf("targets %v and labels %v, want %v", b.Targets, b.Labels, want)
	}
}

// picture is a row as the hub writes them.
type picture struct {
	Image struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path"`
	} `parquet:"img"`
	Label int64 `parquet:"fine_label"`
}

func parquetOf(t *testing.T, rows []picture) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pq.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquetImages(t *testing.T) {
	rows := make([]picture, 4)
	for i := range rows {
		rows[i].Label = int64(i)
		rows[i].Image.Bytes = pngOf(1, 1, red)
	}
	rows[1].Image.Bytes = []byte("no image")
	rows[2].Image.Bytes, rows[2].Image.Path = nil, "2.png"
	rows[3].Image.Bytes, rows[3].Image.Path = nil, "../3.png"
	dir := writeTree(t, t.TempDir(), map[string][]byte{"a.parquet": parquetOf(t, rows), "2.png": pngOf(1, 1, blue)})
	o := Options{Inputs: port("x", tensor.Float32, -1, 3, 1, 1), SkipBad: true}
	s := open1(t, filepath.Join(dir, "a.parquet"), o)
	wantBatch(t, s, o.Inputs[0], []int64{4, 3, 1, 1}, []float64{1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0}, []int64{0, 2, 2, 0})
	if got := s.Skipped(); !slices.Equal(got, []string{"a.parquet row 1", "a.parquet row 3"}) {
		t.Errorf("skipped %v", got)
	}
	o.SkipBad = false
	_, err := open1(t, dir+":parquet", o).Verified(context.Background())
	if err == nil || !strings.Contains(err.Error(), "a.parquet row 1: image: unknown format") {
		t.Error(err)
	}
	hidden := []picture{{Label: -1}, {Label: -1}}
	if s := open1(t, writeFile(t, filepath.Join(t.TempDir(), "x.parquet"), parquetOf(t, hidden)), o); s.Labelled() {
		t.Error("labels that the hub keeps to itself")
	}
}

func FuzzParquet(f *testing.F) {
	for _, name := range []string{"hub", "lists"} {
		f.Add(readBytes(f, "testdata/"+name+".parquet"))
	}
	fuzzOpen(f, ".parquet", port("pixels", tensor.Float32, -1, 1, 2, 2))
}
