package kernel

//go:generate go run onnxcompress/internal/cmd/kernels -kernel strip -out strip_amd64.s -stubs strip_amd64.go

// strip is the argument of the functions that compute with channels side by side.
// They run over pixels of a line, and for each over the taps of its window: segs
// segments of k taps. Within a segment, the next tap is xTap bytes further in x
// and wTap in w; from the end of one to the start of the next it is xNext and
// wNext more. Pixels are xPixel bytes apart in x and yPixel in y.
//
//	filter      y = Σ x·w + bias
//	maximum     y = the largest x, or NaN if there is one
//	scaledSum   y = scale·Σ x
//	maxSpread   the first tap whose x is y adds w to its g
//	sumSpread   every tap adds scale·w to its g
//
// where the first three take y for one more summand, or x, if add is set, and in the
// last two w lies as y does and g as x does, and
//
//	filterGradR×C   y[tap] += Σ x[pixel+tap]·w[pixel] for R×C taps
//
// runs over segs lines of k pixels, xPixel and wTap bytes apart, with xNext and
// wNext from the end of a line to the next. Taps are xTap bytes apart in x and
// yPixel in y; lines of them xRow apart in x, and yRow from end to start in y.
//
// The numbers of channels are bytes of whole vectors and lanes numbers more. There
// is at least one segment, tap and pixel. The assembly knows the offsets of these
// fields.
type strip struct {
	x, w, y, g, bias *float32

	xPixel, xTap, xNext, xRow uintptr
	wTap, wNext               uintptr
	yPixel, yRow              uintptr
	k, segs, pixels           int
	bytes                     uintptr
	lanes                     int
	mask                      uint32 // a bit for each of lanes
	scale                     float32
	add                       uint32
}

// setChannels sets for how many channels a strip is.
func (s *strip) setChannels(n, lanes int) {
	s.lanes = n % lanes
	s.bytes = uintptr(4 * (n - s.lanes))
	s.mask = 1<<s.lanes - 1
}

// forget lets go of the operands.
func (s *strip) forget() { s.x, s.w, s.y, s.g, s.bias = nil, nil, nil, nil, nil }

// workerStrips has a strip for each worker, apart from each other.
type workerStrips []struct {
	strip
	square [points*16 + alignment/4]float32 // of the widest vectors
	_      [alignment]byte
}

// ready makes strips for the workers of p.
func (w *workerStrips) ready(p *Pool) {
	if len(*w) < p.Threads() {
		*w = make(workerStrips, p.Threads())
	}
}

// strips are the functions of a level.
type strips struct {
	lanes                      int
	filter, maximum, scaledSum func(s *strip)
	maxSpread, sumSpread       func(s *strip)
	grads                      []filterGrad // of which the first that fits is taken
}

// filterGrad computes the gradient of rows × cols weights at once.
type filterGrad struct {
	rows, cols int
	f          func(s *strip)
}

// stripsOf are the functions that go with a level's micro-kernels.
func stripsOf(lv *level) *strips {
	if s := stripLevels[lv.name]; s != nil {
		return s
	}
	return stripsGo
}

// grad is the function for the taps of a kernel of which rows × cols are left.
func (k *strips) grad(rows, cols int) *filterGrad {
	i := 0
	for k.grads[i].rows > rows || k.grads[i].cols > cols {
		i++
	}
	return &k.grads[i]
}
