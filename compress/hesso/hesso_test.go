package hesso_test

import (
	"testing"

	"onnxcompress/compress/hesso"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestMethod holds every way to run the method to what methods promise.
func TestMethod(t *testing.T) {
	for name, change := range map[string]func(*hesso.Options){
		"usual":      func(*hesso.Options) {},
		"one period": func(o *hesso.Options) { o.Periods = 1 },
		"cric": func(o *hesso.Options) {
			o.Periods, o.Cric = 1, hesso.UsualCric()
			o.Cric.Shares, o.Cric.Steps, o.End = []float64{0.5}, 3, 0.9
		},
		"cric without a sweep": func(o *hesso.Options) {
			o.Cric, o.End = hesso.UsualCric(), 0.9
			o.Cric.Shares, o.Cric.Steps = nil, 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			methodtest.Hold(t, func() train.Method {
				o := hesso.Usual()
				change(&o)
				return hesso.New(o)
			})
		})
	}
}
