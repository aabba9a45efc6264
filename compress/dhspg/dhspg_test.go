package dhspg_test

import (
	"testing"

	"onnxcompress/compress/dhspg"
	"onnxcompress/compress/saliency"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestMethod holds every way to run the method to what methods promise.
func TestMethod(t *testing.T) {
	at := dhspg.Usual(true)
	at.Start, at.Deadline, at.End = 0, 0, 0
	costs := dhspg.Short(false)
	costs.Mix, costs.PerCost = saliency.Mix{Taylor1: 1}, true
	for name, o := range map[string]dhspg.Options{
		"usual": dhspg.Usual(false), "short": dhspg.Short(false), "at once": at, "per cost": costs,
	} {
		t.Run(name, func(t *testing.T) {
			methodtest.Hold(t, func() train.Method { return dhspg.New(o) })
		})
	}
}
