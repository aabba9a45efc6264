package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Preprocessing says how pictures become inputs, beyond Options.Mean and Std.
// The zero value scales bytes to [0,1] and resizes to the size of the input.
// Pictures are images and arrays of bytes that have the shape of one.
type Preprocessing struct {
	// Preset is none or one of Presets. What else is given goes before it. Sizes
	// follow the input's where it fixes them, and pictures that have the input's
	// size already are neither resized nor cropped by a preset.
	Preset string
	// Scale is what pixels are multiplied by before mean and std are applied; 0
	// stands for what brings whole numbers to [0,1]. Given, it holds for all
	// numbers that take mean and std.
	Scale float64
	// Resize is the size that pictures are brought to by a triangle filter that
	// widens with the reduction: 256 for the shorter side, 224x320 for height
	// and width, letterbox or letterbox:640 to fit in a square (or in the input)
	// with grey around. After a resize by the shorter side the centre is cropped
	// to the input's size. Empty is the input's size, whatever the proportions.
	Resize string
	// Crop is the centre that is cropped after resizing: 224, or 224x320.
	Crop string
	// Layout is nchw or nhwc, for inputs whose shape does not tell; auto, or
	// empty, is what the shape tells, else what the preset says, else nchw.
	Layout string
	// Color is the order of channels of the input: rgb, bgr, or gray for one
	// channel or several that are the same. Empty is rgb, or gray for an input
	// of one channel. Mean and Std are in the order of the input's channels.
	Color string
}

// preset is a row of what models are usually trained with.
type preset struct {
	name      string
	mean, std []float64 // of red, green and blue
	layout    string    // where the shape leaves it open
	letterbox bool
	// size is that of inputs without one of their own, short the shorter side
	// before the crop to it; 0 to leave sizes alone.
	short, size int
}

var presets = []preset{
	{name: "imagenet", mean: []float64{0.485, 0.456, 0.406}, std: []float64{0.229, 0.224, 0.225}, short: 256, size: 224},
	{name: "imagenet-tf", mean: []float64{0.5}, std: []float64{0.5}, layout: "nhwc", short: 256, size: 224},
	{name: "cifar10", mean: []float64{0.4914, 0.4822, 0.4465}, std: []float64{0.2470, 0.2435, 0.2616}},
	{name: "mnist", mean: []float64{0.1307}, std: []float64{0.3081}},
	{name: "yolo", letterbox: true, size: 640},
}

// Presets are the names that Preprocessing.Preset takes beside none.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// geometry is what Resize, Crop and a preset ask for; 0 stands for unsaid.
type geometry struct {
	short, toRows, toCols int // of the resize
	cropRows, cropCols    int
	letterbox             bool
	preset                *preset
}

// isSet reports whether sizes are given by hand.
func (g *geometry) isSet() bool { return g.short+g.toRows+g.cropRows > 0 || g.letterbox }

// settle reads the strings and fills in what the preset says.
func (o *Options) settle() error {
	for _, c := range []struct {
		what, value string
		known       []string
	}{
		{"layout", o.Layout, []string{"auto", "nchw", "nhwc"}},
		{"color", o.Color, []string{"rgb", "bgr", "gray"}},
		{"preset", o.Preset, append(Presets(), "none")},
	} {
		if c.value != "" && !slices.Contains(c.known, c.value) {
			return fmt.Errorf("%s %q is not known; there are %s", c.what, c.value, strings.Join(c.known, ", "))
		}
	}
	if !(o.Scale >= 0 && o.Scale <= 1e9) {
		return fmt.Errorf("scale %v: want a positive number", o.Scale)
	}
	var err error
	if o.geometry, err = parseGeometry(o.Resize, o.Crop); err != nil {
		return err
	}
	if err := o.suits(); err != nil {
		return err
	}
	if k := slices.IndexFunc(presets, func(p preset) bool { return p.name == o.Preset }); k >= 0 {
		o.apply(&presets[k])
	}
	return nil
}

// suits refuses what is said of pictures where no input takes any.
func (o *Options) suits() error {
	picture := func(p Port) bool { _, ok := o.frameOf(p); return ok }
	if slices.ContainsFunc(o.Inputs, picture) {
		return nil
	}
	for _, c := range []struct{ what, value string }{
		{"layout", strings.TrimSuffix(o.Layout, "auto")}, {"color", o.Color}, {"resize", o.Resize}, {"crop", o.Crop},
	} {
		if c.value != "" {
			return fmt.Errorf("%s %s fits no input of %s", c.what, c.value, describe(o.Inputs))
		}
	}
	return nil
}

func (o *Options) apply(p *preset) {
	if !o.geometry.isSet() && p.size > 0 {
		o.geometry.preset = p
	}
	o.layout = p.layout
	if !slices.ContainsFunc(o.Inputs, o.normalises) {
		return
	}
	ordered := func(v []float64) []float64 {
		if v = slices.Clone(v); o.Color == "bgr" {
			slices.Reverse(v)
		}
		return v
	}
	if len(o.Mean) == 0 {
		o.Mean = ordered(p.mean)
	}
	if len(o.Std) == 0 {
		o.Std = ordered(p.std)
	}
}

func parseGeometry(resize, crop string) (geometry, error) {
	var g geometry
	var err error
	text, boxed := strings.CutPrefix(resize, "letterbox")
	switch {
	case boxed:
		g.letterbox = true
		if text != "" {
			g.toRows, g.toCols, _, err = parseSize(strings.TrimPrefix(text, ":"))
		}
		if crop != "" {
			err = errors.New("there is nothing to crop")
		}
	case resize != "":
		var single bool
		if g.toRows, g.toCols, single, err = parseSize(resize); single {
			g.short, g.toRows, g.toCols = g.toRows, 0, 0
		}
	}
	if err != nil {
		return g, fmt.Errorf("resize %q: %w", resize, err)
	}
	if crop != "" {
		if g.cropRows, g.cropCols, _, err = parseSize(crop); err != nil {
			return g, fmt.Errorf("crop %q: %w", crop, err)
		}
	}
	if g.cropRows > 0 && (g.short > 0 && g.short < min(g.cropRows, g.cropCols) ||
		g.toRows > 0 && (g.toRows < g.cropRows || g.toCols < g.cropCols)) {
		return g, fmt.Errorf("crop %s is larger than resize %s", crop, resize)
	}
	return g, nil
}

// maxSide bounds the sides of pictures that are asked for.
const maxSide = 1 << 15

// parseSize reads a size: one number for a square, or height and width.
func parseSize(text string) (height, width int, single bool, err error) {
	h, w, both := strings.Cut(text, "x")
	if !both {
		w = h
	}
	for _, c := range []struct {
		text string
		to   *int
	}{{h, &height}, {w, &width}} {
		v, err := strconv.Atoi(c.text)
		if err != nil || v < 1 || v > maxSide {
			return 0, 0, false, fmt.Errorf("want sizes of 1 to %d, as 224 or 224x320", maxSide)
		}
		*c.to = v
	}
	return height, width, !both, nil
}
