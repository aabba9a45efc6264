package kernel

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

func TestPoolRunsEachPartOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for cores := 1; cores <= 4; cores++ {
		runtime.GOMAXPROCS(cores)
		for _, threads := range []int{0, 1, 2, 3, 8} {
			p := NewPool(threads)
			if want := threads; want == 0 && p.Threads() != cores || want > 0 && p.Threads() != want {
				t.Errorf("NewPool(%d) on %d cores has %d threads", threads, cores, p.Threads())
			}
			var counts [300]atomic.Int32
			var busy [8]atomic.Bool
			f := func(part, worker int) {
				if !busy[worker].CompareAndSwap(false, true) {
					t.Error("a worker does two things at once")
				}
				counts[part].Add(1)
				busy[worker].Store(false)
			}
			runs := 0
			for _, parts := range []int{0, 1, 2, 3, 7, 300, 1, 0, 300, 2} {
				for range 20 {
					p.Run(parts, f)
					runs++
				}
			}
			p.Close()
			for part, want := range map[int]int32{0: 160, 1: 120, 2: 80, 6: 60, 7: 40, 299: 40} {
				if got := counts[part].Load(); got != want {
					t.Errorf("%d cores, %d threads: part %d ran %d times, want %d", cores, threads, part, got, want)
				}
			}
			p.Run(3, f) // alone
		}
	}
}

// What parts wrote is seen by the caller, and by later parts.
func TestPoolOrdersMemory(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	x := make([]int, 64)
	f := func(part, _ int) { x[part]++ }
	for run := range 2000 {
		p.Run(len(x), f)
		for i := range x {
			if x[i] != run+1 {
				t.Fatalf("after %d runs part %d has run %d times", run+1, i, x[i])
			}
		}
		if run%500 == 0 {
			time.Sleep(time.Millisecond) // so that workers sleep in between
		}
	}
}

func TestPoolPanics(t *testing.T) {
	for _, threads := range []int{1, 3} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			p := NewPool(threads)
			defer p.Close()
			for _, bad := range []int{0, 5, 19} {
				func() {
					defer func() {
						if v := recover(); v != "broken" {
							t.Errorf("Run panics with %v", v)
						}
					}()
					p.Run(20, func(part, _ int) {
						if part == bad {
							panic("broken")
						}
					})
					t.Error("Run returns after a panic")
				}()
			}
			var n atomic.Int32
			p.Run(20, func(int, int) { n.Add(1) })
			if n.Load() != 20 {
				t.Errorf("after a panic %d of 20 parts run", n.Load())
			}
		})
	}
}

func TestPoolRefusesRunInRun(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	defer func() {
		if _, ok := recover().(string); !ok {
			t.Error("Run within Run does not panic")
		}
	}()
	p.Run(2, func(int, int) { p.Run(2, func(int, int) {}) })
}

func TestScratch(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, n := range []int{1, 100, 7, 5000} {
		for worker := range 2 {
			s := p.Scratch(worker, n)
			if len(s) != n || uintptr(unsafe.Pointer(&s[0]))%64 != 0 {
				t.Errorf("Scratch(%d, %d) has %d numbers at %p", worker, n, len(s), &s[0])
			}
		}
	}
	if &p.Scratch(0, 10)[0] == &p.Scratch(1, 10)[0] {
		t.Error("workers share scratch memory")
	}
	if n := testing.AllocsPerRun(10, func() { p.Scratch(1, 5000) }); n != 0 {
		t.Errorf("memory that is there already costs %v allocations", n)
	}
}

// Workers without work go to sleep, and wake when there is some.
func TestPoolSleeps(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	for range 3 {
		p.Run(100, func(int, int) {})
		for p.parked.Load() < 3 {
			time.Sleep(time.Millisecond)
		}
	}
}

func TestPoolAllocates(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		p := NewPool(threads)
		defer p.Close()
		f := func(int, int) {}
		if n := testing.AllocsPerRun(100, func() { p.Run(8, f) }); n != 0 {
			t.Errorf("Run on %d threads allocates %v times", threads, n)
		}
	}
}

func BenchmarkPool(b *testing.B) {
	for _, threads := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) {
			p := NewPool(threads)
			defer p.Close()
			f := func(int, int) {}
			b.ReportAllocs()
			for b.Loop() {
				p.Run(threads, f)
			}
		})
	}
}
