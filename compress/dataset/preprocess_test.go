package dataset

import (
	"image"
	"image/color"
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

// duo is a picture of two pixels, one above the other.
func duo() []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 2))
	img.Set(0, 0, color.NRGBA{0, 51, 102, 255})
	img.Set(0, 1, color.NRGBA{153, 204, 255, 255})
	return encoded(img)
}

func TestPreprocessing(t *testing.T) {
	bytes := npyBytes("|u1", []int{1, 2, 1, 3}, []uint8{0, 51, 102, 153, 204, 255})
	for _, c := range []struct {
		name   string
		shape  []int64
		o      Options
		pre    Preprocessing
		out    []int64
		values []float64
	}{
		{"scale", []int64{-1, 2, 1, 3}, Options{}, Preprocessing{Scale: 1}, []int64{1, 2, 1, 3}, []float64{0, 51, 102, 153, 204, 255}},
		{
			"scale before mean",
			[]int64{-1, 2, 1, 3},
			Options{Mean: []float64{1}, Std: []float64{.5}},
			Preprocessing{Scale: 1. / 51},
			[]int64{1, 2, 1, 3},
			[]float64{-2, 0, 2, 4, 6, 8},
		},
		{"free layout", []int64{-1, -1, -1, -1}, Options{}, Preprocessing{}, []int64{1, 3, 2, 1}, []float64{0, .6, .2, .8, .4, 1}},
		{"layout", []int64{-1, -1, -1, -1}, Options{}, Preprocessing{Layout: "nhwc"}, []int64{1, 2, 1, 3}, []float64{0, .2, .4, .6, .8, 1}},
		{"order", []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Color: "bgr"}, []int64{1, 3, 2, 1}, []float64{.4, 1, .2, .8, 0, .6}},
		{
			"mean in the input's order",
			[]int64{-1, 2, 1, 3},
			Options{Mean: []float64{.4, .2, 0}},
			Preprocessing{Color: "bgr"},
			[]int64{1, 2, 1, 3},
			[]float64{0, 0, 0, .6, .6, .6},
		},
		{"grey", []int64{-1, 1, 2, 1}, Options{}, Preprocessing{}, []int64{1, 1, 2, 1}, []float64{42. / 255, 195. / 255}},
		{"grey thrice", []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Color: "gray"}, []int64{1, 3, 2, 1}, []float64{42. / 255, 195. / 255, 42. / 255, 195. / 255, 42. / 255, 195. / 255}},
		{"crop", []int64{-1, -1, -1, 3}, Options{}, Preprocessing{Crop: "1"}, []int64{1, 1, 1, 3}, []float64{0, .2, .4}},
		{"resize", []int64{-1, 3, -1, -1}, Options{}, Preprocessing{Resize: "1x1"}, []int64{1, 3, 1, 1}, []float64{77. / 255, 128. / 255, 179. / 255}},
		{"by the shorter side to the input's size", []int64{-1, 3, 1, 1}, Options{}, Preprocessing{Resize: "1"}, []int64{1, 3, 1, 1}, []float64{0, .2, .4}},
		{
			"letterbox",
			[]int64{-1, 2, 2, 3},
			Options{},
			Preprocessing{Resize: "letterbox"},
			[]int64{1, 2, 2, 3},
			[]float64{0, .2, .4, 114. / 255, 114. / 255, 114. / 255, .6, .8, 1, 114. / 255, 114. / 255, 114. / 255},
		},
		{"tensorflow", []int64{-1, 2, 1, 3}, Options{}, Preprocessing{Preset: "imagenet-tf"}, []int64{1, 2, 1, 3}, []float64{-1, -.6, -.2, .2, .6, 1}},
		{
			"a preset in another order",
			[]int64{-1, 2, 1, 3},
			Options{Std: []float64{1}},
			Preprocessing{Preset: "imagenet", Color: "bgr"},
			[]int64{1, 2, 1, 3},
			[]float64{.4 - .406, .2 - .456, -.485, 1 - .406, .8 - .456, .6 - .485},
		},
		{"no preset", []int64{-1, 2, 1, 3}, Options{}, Preprocessing{Preset: "none"}, []int64{1, 2, 1, 3}, []float64{0, .2, .4, .6, .8, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Inputs, c.o.Preprocessing = port("x", tensor.Float32, c.shape...), c.pre
			for _, path := range []string{
				writeFile(t, filepath.Join(t.TempDir(), "1.png"), duo()),
				writeNPZ(t, map[string][]byte{"x": bytes}),
			} {
				wantBatch(t, open1(t, path, c.o), c.o.Inputs[0], c.out, c.values, nil)
			}
		})
	}
}

func TestPreprocessingRefuses(t *testing.T) {
	picture := writeFile(t, filepath.Join(t.TempDir(), "1.png"), duo())
	floats := writeNPZ(t, map[string][]byte{"x": npyBytes("<f4", []int{1, 3, 2, 1}, make([]float32, 6))})
	vectors := writeNPZ(t, map[string][]byte{"x": npyBytes("<f4", []int{1, 6}, make([]float32, 6))})
	for _, c := range []struct {
		path  string
		shape []int64
		o     Options
		pre   Preprocessing
		want  string
	}{
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Preset: "imagnet"}, "there are imagenet"},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Layout: "chw"}, "there are auto, nchw, nhwc"},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Color: "hsv"}, "there are rgb, bgr, gray"},
		{picture, []int64{-1, 3, 2, 2}, Options{}, Preprocessing{Layout: "nhwc"}, "layout nhwc fits no input of x"},
		{picture, []int64{-1, 1, 2, 1}, Options{}, Preprocessing{Color: "rgb"}, "has one channel"},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Scale: -1}, "scale -1"},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Resize: "256,256"}, `resize "256,256"`},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Resize: "99999999999"}, "want sizes of 1 to"},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Crop: "0"}, `crop "0"`},
		{picture, []int64{-1, 3, -1, -1}, Options{}, Preprocessing{Resize: "64", Crop: "65"}, "crop 65 is larger than resize 64"},
		{picture, []int64{-1, 3, -1, -1}, Options{}, Preprocessing{Resize: "letterbox", Crop: "65"}, "nothing to crop"},
		{picture, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Crop: "3"}, "takes no pictures of 3x3"},
		{picture, []int64{-1, 3, 4, 4}, Options{}, Preprocessing{Resize: "3"}, "larger than resize 3"},
		{picture, []int64{-1, 3, -1, -1}, Options{}, Preprocessing{Crop: "3"}, "less than the crop of 3x3"},
		{picture, []int64{-1, 1, 2, 1}, Options{}, Preprocessing{Preset: "imagenet"}, "mean has 3 values for 1 channels"},
		{floats, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Resize: "2x1"}, "pictures of bytes"},
		{floats, []int64{-1, 3, 2, 1}, Options{}, Preprocessing{Color: "bgr"}, "pictures of bytes"},
		{vectors, []int64{-1, 6}, Options{}, Preprocessing{Crop: "2"}, "crop 2 fits no input"},
	} {
		c.o.Inputs, c.o.Preprocessing = port("x", tensor.Float32, c.shape...), c.pre
		s, err := Open(c.path, c.o)
		if err == nil {
			_, _, err = s.Batch([]int{0})
			_ = s.Close() // what counts is the error of the batch
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v of input %v: %v, want %q", c.pre, c.shape, err, c.want)
		}
	}
}
