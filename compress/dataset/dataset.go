// Package dataset reads labelled or unlabelled samples from the forms people
// keep them in (Formats lists them) and hands them out as batches in the type,
// layout and size a model's inputs ask for.
//
// A data set may be larger than memory. Files and arrays up to 256 MB are held;
// larger ones are read where they lie when a batch asks for them, and what is
// larger once unpacked (gzip, compressed npz) is unpacked into a temporary file
// in os.TempDir that Set.Close removes. An array stored column by column is
// always held. Of Parquet, what was decoded last is kept: of a file that is
// larger, samples in random order cost the decoding of many others.
//
// Integer pixels bound for a float input are scaled to [0,1] and then take mean
// and std; float arrays are used as they are, and take mean and std only where
// these are given. Integer inputs receive raw values.
package dataset

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"onnxcompress/graph/tensor"
)

// Port is an input of the model: its name, element type and shape, with -1 for
// a dimension that is free. The first dimension counts the samples of a batch.
type Port struct {
	Name  string
	DType tensor.DType
	Shape []int64
}

// Split says which part to take of data that names its own parts.
type Split int

// The parts of divided data. Data that is not divided is whole in either.
const (
	Train Split = iota
	Test
)

func (p Split) String() string {
	if p == Test {
		return "test"
	}
	return "train"
}

// Options say how samples become inputs.
type Options struct {
	// Inputs are the model's inputs; at least one.
	Inputs []Port
	// Mean and Std normalise after scaling to [0,1]: nothing, one value, or one
	// per channel. They apply to float inputs: the only input of the model, or
	// of several those of four dimensions, of which one is 1 or 3 channels.
	Mean, Std []float64
	Preprocessing
	// NumSamples limits the set to a random subset; 0 takes everything.
	NumSamples int
	// Seed determines NumSamples' subset and Set.Split.
	Seed int64
	// Split is the part to read.
	Split Split
	// Outputs are the names of the model's outputs, by which targets may be
	// named in the data.
	Outputs []string
	// Regression reads labels as targets even where they could be classes.
	Regression bool
	// SkipBad leaves out samples that cannot be decoded. Lines of text are
	// looked at when a set is opened, and bad ones are not part of it. Images
	// are decoded only when asked for (or by Set.Verified): in a batch, a bad
	// one's place is taken by the next sample of the set that is good, with its
	// label, so that batches never come short and depend on nothing but the
	// set. Set.Skipped names what was left out.
	SkipBad bool
	// Enlarge says that the model gives its input so many times as high and wide,
	// 2 to 16; 0 for one that does not. Pictures without targets of their own are
	// then what it is to give: inputs are what bicubic resampling makes of them,
	// both in [0,1] or multiplied by Scale, and Crop is the size of inputs in
	// training, 48 where the input has no size. The training part shows crops, at
	// random places under a Loader and else the middle; the test part shows whole
	// pictures, or the middle for an input of fixed size.
	Enlarge int
	// Whole reads an npz of arrays named as the inputs as one batch wherever
	// they fit the inputs' ranks and fixed dimensions. Without it they are one
	// batch only where they fit and cannot count samples: unlabelled, with a
	// first dimension that is fixed, absent or of differing length. One batch
	// is converted to the inputs' types and otherwise left alone.
	Whole bool

	geometry geometry
	layout   string
}

// source holds samples; its methods may be called concurrently.
type source interface {
	size() int
	truth() *truth
	// batch are samples and what they are judged by, as they are at a moment. The
	// caller numbers them.
	batch(idx []int, m moment) (Batch, error)
	// feeders give the inputs sample by sample; nil where they have none.
	feeders() []feeder
}

// moment is when samples are looked at, for sources that are not always the same.
type moment struct {
	epoch int
	// turn lets pairs be mirrored and turned.
	turn bool
}

// still is the moment of those who look without training.
var still = moment{epoch: -1}

// Set is a sequence of samples. It may be used concurrently; sets made by Split
// share its source.
type Set struct {
	source  source
	index   []int
	seed    int64
	divided bool
	path    string
	bad     *bad
	release func() error
}

// Batch is a run of samples.
type Batch struct {
	Inputs map[string]*tensor.Tensor
	// Labels are class numbers, nil where there are none.
	Labels []int64
	// Targets are what a regression is to give, as float32 and as the data
	// shapes them, the first axis counting samples; nil where there are none.
	Targets *tensor.Tensor
	// Index numbers the samples within the set.
	Index []int
}

func (o *Options) check() error {
	if len(o.Inputs) == 0 {
		return errors.New("the model has no input to feed")
	}
	if o.NumSamples < 0 {
		return fmt.Errorf("%d samples asked for", o.NumSamples)
	}
	for _, v := range slices.Concat(o.Mean, o.Std) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("mean %v, std %v: not finite", o.Mean, o.Std)
		}
	}
	if slices.Contains(o.Std, 0) {
		return fmt.Errorf("std %v: zero", o.Std)
	}
	if len(o.Mean)+len(o.Std) > 0 && !slices.ContainsFunc(o.Inputs, o.normalises) {
		return fmt.Errorf("mean and std fit no input of %s", describe(o.Inputs))
	}
	return o.settle()
}

// normalises reports whether mean and std are meant for a port.
func (o *Options) normalises(p Port) bool {
	return p.DType.IsFloat() && (len(o.Inputs) == 1 || o.isImageInput(p))
}

// Len is the number of samples.
func (s *Set) Len() int { return len(s.index) }

// Labelled reports whether samples have labels.
func (s *Set) Labelled() bool { return s.source.truth().label != nil }

// Targeted reports whether samples have targets that are no classes.
func (s *Set) Targeted() bool { return s.source.truth().targets != nil || s.Enlarged() > 1 }

// Enlarged is how many times as high and wide as its input each target is, where
// the samples are pictures and their reductions (Options.Enlarge), else 0.
func (s *Set) Enlarged() int {
	if p, ok := s.source.(*pairs); ok {
		return p.scale
	}
	return 0
}

// Divided reports whether the data names a training and a test part of its own.
// Where it does not, either Split is the same samples.
func (s *Set) Divided() bool { return s.divided }

// Whole reports whether the set is one batch of fixed shape: it has the length
// 1, and its only sample is the batch as the file holds it.
func (s *Set) Whole() bool {
	_, ok := s.source.(whole)
	return ok
}

// Batch returns the samples at idx by input name, the first dimension counting
// them, and their labels, nil where there are none. Neither may be written to.
func (s *Set) Batch(idx []int) (inputs map[string]*tensor.Tensor, labels []int64, err error) {
	b, err := s.Read(idx)
	return b.Inputs, b.Labels, err
}

// Read returns the samples at idx, as Batch does, and their targets.
func (s *Set) Read(idx []int) (Batch, error) {
	if len(idx) == 0 {
		return Batch{}, errors.New("batch of no samples")
	}
	if s.Whole() && len(idx) > 1 {
		return Batch{}, errors.New("batch of several samples of a set that is one batch")
	}
	for _, i := range idx {
		if i < 0 || i >= len(s.index) {
			return Batch{}, fmt.Errorf("sample %d of a set of %d", i, len(s.index))
		}
	}
	b, err := s.decode(idx, still)
	if err != nil {
		return Batch{}, about(s.path, err)
	}
	return b, nil
}

// Batches goes through the set in order, n samples at a time; the last batch
// may be shorter. It ends after the first error.
func (s *Set) Batches(n int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for part := range slices.Chunk(upTo(s.Len()), max(n, 1)) {
			b, err := s.Read(part)
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Split divides the set at random into a share held back and the rest. Both
// have at least one sample if there are two or more and share lies between 0
// and 1; a single sample is never held back.
func (s *Set) Split(share float64) (held, rest *Set) {
	n := s.Len()
	count := int(math.Round(min(max(share, 0), 1) * float64(n)))
	switch {
	case n == 1:
		count = 0
	case share > 0 && share < 1:
		count = min(max(count, 1), n-1)
	}
	return s.divide(count)
}

// divide draws n samples; both parts keep the order of the set.
func (s *Set) divide(n int) (drawn, rest *Set) {
	order := rand.New(rand.NewPCG(uint64(s.seed), uint64(s.Len()))).Perm(s.Len())
	part := func(at []int) *Set {
		slices.Sort(at)
		p := *s
		p.index = make([]int, len(at))
		for k, i := range at {
			p.index[k] = s.index[i]
		}
		return &p
	}
	return part(order[:n:n]), part(order[n:])
}

// Close releases the files behind the set and behind all that were split from
// it, and removes what was unpacked.
func (s *Set) Close() error { return s.release() }

func upTo(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	return v
}
