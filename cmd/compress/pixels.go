package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"onnxcompress/compress/dataset"
	"onnxcompress/internal/config"
)

// pixelFlags are for commands that read samples.
func pixelFlags(flags *pflag.FlagSet, mean, std *[]float64, p *dataset.Preprocessing) {
	flags.Var(config.Floats(mean), "mean", "mean of each channel of the input, after scaling to [0,1]")
	flags.Var(config.Floats(std), "std", "standard deviation of each channel")
	flags.StringVar(&p.Preset, "preset", "none", "none, or how pictures become inputs: "+strings.Join(dataset.Presets(), ", "))
	flags.Var((*factor)(&p.Scale), "scale", "what pixels are multiplied by before --mean and --std: 1/255 or 0.5; what brings them to [0,1] if not given")
	flags.StringVar(&p.Resize, "resize", "", "size of pictures: 256 for the shorter side, 224x320 for height and width, letterbox")
	flags.StringVar(&p.Crop, "crop", "", "centre that is cropped after resizing: 224, or 224x320")
	flags.StringVar(&p.Layout, "layout", "auto", "auto, nchw or nhwc, where the input's shape does not tell")
	flags.StringVar(&p.Color, "color", "", "rgb, bgr or gray; rgb or, for one channel, gray if not given")
}

// factor is a number above zero, read from one or from a fraction.
type factor float64

// Set implements pflag.Value.
func (f *factor) Set(text string) error {
	over, under, isFraction := strings.Cut(text, "/")
	if !isFraction {
		under = "1"
	}
	a, errA := strconv.ParseFloat(over, 64)
	b, errB := strconv.ParseFloat(under, 64)
	if errA != nil || errB != nil || !(a > 0 && b > 0 && a/b > 0 && a/b <= 1e9) {
		return errors.New("want a number above zero, as 1/255")
	}
	*f = factor(a / b)
	return nil
}

// String implements pflag.Value.
func (f *factor) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*f), 'g', -1, 64)
}

// Type implements pflag.Value.
func (f *factor) Type() string { return "float64" }
