package scl_test

import (
	"testing"

	"onnxcompress/compress/scl"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestMethod holds every way to run the method to what methods promise.
func TestMethod(t *testing.T) {
	for name, change := range map[string]func(*scl.Options){
		"usual":    func(*scl.Options) {},
		"softplus": func(o *scl.Options) { o.STE, o.Count, o.Feature = scl.Softplus, scl.MACs, scl.OutFeature },
		"leaky":    func(o *scl.Options) { o.STE, o.Feature, o.Norm = scl.Leaky, scl.InFeature, scl.RMS },
		"relu":     func(o *scl.Options) { o.STE, o.Feature = scl.Rectified, scl.None },
	} {
		t.Run(name, func(t *testing.T) {
			methodtest.HoldSparse(t, func(sparsity float64) train.Method {
				o := scl.Usual(sparsity)
				change(&o)
				return scl.New(o)
			})
		})
	}
}

// TestGrouped holds the method to what methods promise that remove groups.
func TestGrouped(t *testing.T) {
	methodtest.Hold(t, func() train.Method { return scl.New(scl.Grouped()) })
}
