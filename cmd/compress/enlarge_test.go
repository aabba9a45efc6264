package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/internal/modeltext"
)

// waves writes so many smooth pictures, of different sizes.
func waves(t *testing.T, count int) string {
	t.Helper()
	dir := t.TempDir()
	for k := range count {
		img := image.NewRGBA(image.Rect(0, 0, 44+3*k, 50-2*k))
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				at := func(f float64) uint8 {
					return uint8(128 + 60*math.Sin(f*float64(x)/9+float64(k)) + 60*math.Cos(float64(y)/7))
				}
				img.Set(x, y, color.RGBA{at(1), at(1.5), at(2), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.png", k)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestEnlarge holds that a model that enlarges pictures is trained on nothing but
// pictures, and that it learns: both models are measured by PSNR on whole pictures,
// and eval finds the same.
func TestEnlarge(t *testing.T) {
	needRuntime(t)
	p, err := modeltext.Parse(`
		input x N,3,H,W
		a = Conv x w[16,3,3,3] w[16] ; pads=[1,1,1,1]
		r = Relu a
		b = Conv r w[16,16,3,3] w[16] ; pads=[1,1,1,1]
		s = Relu b
		c = Conv s w[12,16,3,3] w[12] ; pads=[1,1,1,1]
		y = DepthToSpace c ; blocksize=2
		output y`, 17, 3)
	if err != nil {
		t.Fatal(err)
	}
	content, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model, out, report := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "out.onnx"), filepath.Join(dir, "report.json")
	if err := os.WriteFile(model, content, 0o600); err != nil {
		t.Fatal(err)
	}
	train, val := waves(t, 8), waves(t, 3)
	code, stdout, stderr := command(model, "--data", train, "--val", val, "--target-macs", "60%", "--from-scratch", "--crop", "12", "--epochs", "200", "--lr", "0.003", "-o", out, "--json", report)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "PSNR") {
		t.Errorf("nothing is said of PSNR:\n%s", stdout)
	}
	var r struct {
		Before, After struct{ Metric float64 }
		Name          string `json:"metric_name"`
	}
	read(t, report, &r)
	if r.Name != "psnr" || r.After.Metric < r.Before.Metric+5 || r.After.Metric < 17 {
		t.Errorf("%s from %.2f to %.2f dB", r.Name, r.Before.Metric, r.After.Metric)
	}
	if code, _, stderr = command("eval", out, "--data", val, "--json", report); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var e struct {
		Metric float64
		Total  int
	}
	read(t, report, &e)
	if e.Total != 3 || math.Abs(e.Metric-r.After.Metric) > 0.01 {
		t.Errorf("eval finds %.3f dB on %d pictures, the run %.3f", e.Metric, e.Total, r.After.Metric)
	}
}
