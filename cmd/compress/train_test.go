package main

import (
	"path/filepath"
	"testing"
)

// TestTrain holds what training promises on the digits: the target is met, the
// accuracy is near the original's, and no checkpoint is left behind.
func TestTrain(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	out, report := filepath.Join(dir, "out.onnx"), filepath.Join(dir, "report.json")
	code, _, stderr := command(resnet, "--data", digits, "--target-macs", "25%", "--epochs", "8", "-o", out, "--json", report)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var r struct {
		Before, After struct {
			MACs   float64
			Metric float64
		}
		Curve []struct{ Loss, MACs float64 }
	}
	read(t, report, &r)
	if left := r.After.MACs / r.Before.MACs; left > 0.27 || left < 0.2 {
		t.Errorf("%.3f of the MACs are left", left)
	}
	if r.After.Metric < r.Before.Metric-0.05 {
		t.Errorf("accuracy falls from %.4f to %.4f", r.Before.Metric, r.After.Metric)
	}
	if len(r.Curve) != 8 {
		t.Errorf("%d epochs are reported", len(r.Curve))
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}
