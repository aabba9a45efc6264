package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
)

// LoaderOptions say how a Loader goes through a set.
type LoaderOptions struct {
	// Batch is the number of samples of a batch, at least 1; a set of fewer is
	// one batch.
	Batch int
	// Seed determines the order of every epoch and all changes.
	Seed int64
	// Workers decode at the same time, 0 for as many as there are processors.
	Workers int
	// Prefetch is how many batches are made ahead, 0 for one more than workers.
	Prefetch int
	// Augment changes pictures.
	Augment Augment
	// DropLast leaves out what is left of an epoch and no full batch.
	DropLast bool
	// Cache bounds the bytes of decoded pictures that are kept, 0 for 1 GiB. A
	// set that needs more is decoded anew in every epoch; negative keeps none.
	Cache int64
}

// Loader goes through a set epoch after epoch, each in an order of its own, and
// makes batches ahead. What it gives depends on the set, the options and the
// place alone, not on time or the number of workers. Its methods are for one
// goroutine.
type Loader struct {
	batch, count, steps int
	augment             string
	seed                uint64
	workers, slots      int
	filler              filler

	epoch, step int // of the next batch
	held        *slot
	due         *slot // the next that is given, if a wait for it was given up
	run         *running
	closed      bool
}

// slot is a batch in the making, in memory that is used again.
type slot struct {
	epoch int
	index []int
	at    []int
	parts []builder
	batch Batch
	err   error
	ready chan struct{}
}

// worker is the memory of one that makes batches.
type worker struct {
	parts []scratch
	raw   [][]byte
	frame []frame
	moved []byte
}

// running are the goroutines that make batches from one place on.
type running struct {
	stop       context.CancelFunc
	free, todo chan *slot
	given      chan *slot
	done       sync.WaitGroup
}

// NewLoader makes a loader of a set, which must stay open and which it does not
// close. It begins with epoch 0. The caller closes it.
func NewLoader(set *Set, o LoaderOptions) (*Loader, error) {
	feeders := set.source.feeders()
	turn := o.Augment.Auto && set.Enlarged() > 1
	if o.Augment.Auto && set.Targeted() {
		o.Augment = Augment{}
	}
	changers, err := o.Augment.changers(feeders, o.Seed)
	switch {
	case err != nil:
		return nil, err
	case o.Augment != Augment{} && set.Targeted():
		return nil, fmt.Errorf("augment %v: targets would not change with the pictures", o.Augment)
	}
	f := filler{set: set, feeders: feeders, changers: changers, turn: turn, kept: make([]*pictureCache, len(feeders))}
	for k, part := range feeders {
		if part.dear() && o.Cache >= 0 {
			f.kept[k] = newPictureCache(set.source.size(), len(set.index), o.Cache)
		}
	}
	l, err := newLoader(set.Len(), o)
	if err != nil {
		return nil, err
	}
	l.filler, l.augment = f, Augment{}.String()
	for _, c := range changers {
		if c.active() {
			l.augment = c.String()
		}
	}
	switch {
	case turn:
		l.augment = "crop,turn"
	case set.Enlarged() > 1:
		l.augment = "crop"
	}
	return l, nil
}

// newLoader makes a loader of a number of samples that knows of nothing else yet.
func newLoader(count int, o LoaderOptions) (*Loader, error) {
	if o.Batch < 1 || o.Workers < 0 || o.Prefetch < 0 {
		return nil, fmt.Errorf("batches of %d by %d workers, %d ahead: want at least one sample and no negative number", o.Batch, o.Workers, o.Prefetch)
	}
	if count == 0 {
		return nil, errors.New("holds no samples")
	}
	l := &Loader{batch: min(o.Batch, count), count: count, seed: uint64(o.Seed), workers: o.Workers, slots: o.Prefetch}
	if l.workers == 0 {
		l.workers = runtime.GOMAXPROCS(0)
	}
	if l.slots == 0 {
		l.slots = l.workers + 1
	}
	l.slots++ // the one that was given
	l.steps = count / l.batch
	if !o.DropLast && count%l.batch > 0 {
		l.steps++
	}
	return l, nil
}

// Steps is the number of batches of an epoch.
func (l *Loader) Steps() int { return l.steps }

// Augment is what is done to pictures in each epoch anew, as ParseAugment reads
// it, or for pairs crop, or crop,turn: none where samples are the same every time.
func (l *Loader) Augment() string { return l.augment }

// Seek goes on with a step of an epoch, the number of steps standing for the
// beginning of the next: what follows is what would have followed anyway.
func (l *Loader) Seek(epoch, step int) error {
	if epoch < 0 || step < 0 || step > l.steps {
		return fmt.Errorf("step %d of epoch %d: an epoch has %d", step, epoch, l.steps)
	}
	l.halt()
	l.epoch, l.step = epoch, step
	return nil
}

// Next is the next batch, valid until the next call and not to be written to.
// Where the context ends first nothing is lost, and the same batch is next.
func (l *Loader) Next(ctx context.Context) (Batch, error) {
	if l.closed {
		return Batch{}, errors.New("the loader is closed")
	}
	if err := ctx.Err(); err != nil {
		return Batch{}, err
	}
	if l.run == nil {
		l.start()
	}
	r := l.run
	if l.held != nil {
		r.free <- l.held // has room for all
		l.held = nil
	}
	if l.due == nil {
		select {
		case l.due = <-r.given:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
	select {
	case <-l.due.ready:
	case <-ctx.Done():
		return Batch{}, ctx.Err()
	}
	l.held, l.due = l.due, nil
	if l.step++; l.step >= l.steps {
		l.epoch, l.step = l.epoch+1, 0
	}
	if l.held.err != nil {
		return Batch{}, l.held.err
	}
	return l.held.batch, nil
}

// Close ends all that is done ahead.
func (l *Loader) Close() error {
	l.halt()
	l.closed = true
	return nil
}

func (l *Loader) halt() {
	if l.run == nil {
		return
	}
	l.run.stop()
	l.run.done.Wait()
	l.run, l.held, l.due = nil, nil, nil
}

// start begins to make batches from the present place on.
func (l *Loader) start() {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, free: make(chan *slot, l.slots), todo: make(chan *slot, l.slots), given: make(chan *slot, l.slots)}
	for range l.slots {
		s := l.filler.slot()
		s.ready = make(chan struct{}, 1)
		r.free <- s
	}
	epoch, step := l.epoch, l.step
	if step == l.steps {
		epoch, step = epoch+1, 0
		l.epoch, l.step = epoch, step
	}
	r.done.Go(func() { l.plan(ctx, r, epoch, step) })
	for range l.workers {
		r.done.Go(func() {
			w := &worker{}
			for {
				select {
				case s := <-r.todo:
					s.err = l.filler.fill(w, s)
					s.ready <- struct{}{}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	l.run = r
}

// plan says what each batch is made of, in the order in which they are given.
func (l *Loader) plan(ctx context.Context, r *running, epoch, step int) {
	order := make([]int, l.count)
	for fresh := true; ; fresh = false {
		if step == l.steps {
			epoch, step, fresh = epoch+1, 0, true
		}
		if fresh {
			for i := range order {
				order[i] = i
			}
			rand.New(rand.NewPCG(l.seed, uint64(epoch))).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		select {
		case s := <-r.free:
			s.epoch, s.index = epoch, append(s.index[:0], order[step*l.batch:min((step+1)*l.batch, l.count)]...)
			r.given <- s
			r.todo <- s
		case <-ctx.Done():
			return
		}
		step++
	}
}
