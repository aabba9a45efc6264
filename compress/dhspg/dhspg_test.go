package dhspg_test

import (
	"testing"

	"onnxcompress/compress/dhspg"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestMethod holds every way to run the method to what methods promise.
func TestMethod(t *testing.T) {
	for name, change := range map[string]func(*dhspg.Options){
		"usual":   func(*dhspg.Options) {},
		"paced":   func(o *dhspg.Options) { o.Paced, o.Stages = true, 3 },
		"at once": func(o *dhspg.Options) { o.Start, o.Deadline, o.End = 0, 0, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			methodtest.Hold(t, func() train.Method {
				o := dhspg.Usual(false)
				change(&o)
				return dhspg.New(o)
			})
		})
	}
}
