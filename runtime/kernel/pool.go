// Package kernel computes on slices of float32: matrix products, vector loops,
// and the threads that share them out.
package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a set of workers that live until Close. Worker 0 is whoever calls
// Run; the others are goroutines that wait between calls, first awake and then
// asleep. A Pool serves one call at a time.
type Pool struct {
	workers []*worker
	running atomic.Bool

	// What runs. It changes only while no part is left and none is unfinished.
	f     func(part, worker int)
	parts int32

	_    [64]byte
	left atomic.Int32 // parts that nobody has taken
	_    [60]byte
	done atomic.Int32 // parts that are finished
	_    [60]byte

	waiting  atomic.Bool // the caller sleeps until finished
	finished chan struct{}
	parked   atomic.Int32 // workers asleep for which no wake-up is under way
	wake     chan struct{}
	closed   atomic.Bool
	stopped  sync.WaitGroup
	failure  atomic.Pointer[failure]
	patience time.Duration

	products products
}

// failure is what a part panicked with.
type failure struct{ value any }

// worker is what belongs to one worker alone.
type worker struct {
	tile    tile
	now     product
	a, b    buffer // packed operands
	scratch buffer
	_       [64]byte
}

// patience is how long to wait awake. The gaps between the kernels of a step are
// shorter, and to be woken takes about as long as this.
const patience = 50 * time.Microsecond

// NewPool starts a pool of threads workers, the caller of Run among them. If
// threads is not positive there are as many as cores (GOMAXPROCS).
func NewPool(threads int) *Pool {
	cores := runtime.GOMAXPROCS(0)
	if threads <= 0 {
		threads = cores
	}
	p := &Pool{
		workers:  make([]*worker, threads),
		finished: make(chan struct{}, 1),
		wake:     make(chan struct{}, threads),
	}
	if threads <= cores {
		p.patience = patience
	}
	for i := range p.workers {
		p.workers[i] = new(worker)
	}
	p.products.init(p)
	p.stopped.Add(threads - 1)
	for i := 1; i < threads; i++ {
		go p.serve(i)
	}
	return p
}

// Threads is the number of workers.
func (p *Pool) Threads() int { return len(p.workers) }

// Close ends the workers. It must not be called during Run. What is run on a
// closed pool runs on its caller alone.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.rouse(len(p.workers))
	p.stopped.Wait()
}

// Scratch is memory for floats numbers that belongs to a worker until its next
// call of Scratch. It is aligned to 64 bytes and holds whatever was left there.
func (p *Pool) Scratch(worker, floats int) []float32 {
	return p.workers[worker].scratch.get(floats)
}

// Run calls f(part, worker) once for each part in [0, parts) and returns when
// all calls have. Parts are begun in order, each by whichever worker is free.
// If a call panics, parts not yet begun are skipped and Run panics with the same
// value. Run must not be called from within f.
func (p *Pool) Run(parts int, f func(part, worker int)) {
	if !p.running.CompareAndSwap(false, true) {
		panic("kernel: a Pool runs one thing at a time")
	}
	defer p.running.Store(false)
	if parts <= 1 || len(p.workers) == 1 {
		for part := range parts {
			f(part, 0)
		}
		return
	}
	p.f, p.parts = f, int32(parts)
	p.done.Store(0)
	p.left.Store(int32(parts))
	p.rouse(parts - 1)
	for p.work(0) {
	}
	p.join()
	p.f = nil
	if failed := p.failure.Swap(nil); failed != nil {
		panic(failed.value)
	}
}

// serve is the life of a worker.
func (p *Pool) serve(worker int) {
	defer p.stopped.Done()
	for p.await() {
		for p.work(worker) {
		}
	}
}

// work takes parts until none is left. It returns true if it was interrupted by
// a panic.
func (p *Pool) work(worker int) (again bool) {
	defer func() {
		if v := recover(); v != nil {
			p.failure.CompareAndSwap(nil, &failure{v})
			p.finish()
			again = true
		}
	}()
	for {
		left := p.left.Load()
		if left <= 0 {
			return false
		}
		if !p.left.CompareAndSwap(left, left-1) {
			continue
		}
		if p.failure.Load() == nil {
			p.f(int(p.parts-left), worker)
		}
		p.finish()
	}
}

// finish counts a part as done, and wakes the caller if it was the last.
func (p *Pool) finish() {
	parts := p.parts
	if p.done.Add(1) == parts && p.waiting.Swap(false) {
		p.finished <- struct{}{}
	}
}

// join returns when all parts are done.
func (p *Pool) join() {
	complete := func() bool { return p.done.Load() == p.parts }
	if p.spin(complete) {
		return
	}
	for !complete() {
		p.waiting.Store(true)
		if complete() && p.waiting.Swap(false) {
			return
		}
		// A worker that was slow to leave an earlier Run may have sent this, so
		// it proves nothing.
		<-p.finished
	}
}

// await returns true when there is work, and false when the pool is closed.
func (p *Pool) await() bool {
	ready := func() bool { return p.left.Load() > 0 || p.closed.Load() }
	if !p.spin(ready) {
		p.parked.Add(1)
		if !ready() || !p.unpark() {
			<-p.wake
		}
	}
	return !p.closed.Load()
}

// spin waits awake for a condition, and returns false if it does not come true
// in time.
func (p *Pool) spin(condition func() bool) bool {
	if condition() {
		return true
	}
	if p.patience == 0 {
		return false
	}
	start := time.Now()
	for turn := 1; ; turn++ {
		for range 16 {
			if condition() {
				return true
			}
			pause()
		}
		if time.Since(start) > p.patience {
			return false
		}
		if turn%8 == 0 {
			runtime.Gosched()
		}
	}
}

// rouse wakes up to n sleeping workers.
func (p *Pool) rouse(n int) {
	for ; n > 0 && p.unpark(); n-- {
		p.wake <- struct{}{}
	}
}

// unpark takes one from the count of sleeping workers, and returns false if
// there is none.
func (p *Pool) unpark() bool {
	for {
		n := p.parked.Load()
		if n == 0 {
			return false
		}
		if p.parked.CompareAndSwap(n, n-1) {
			return true
		}
	}
}
