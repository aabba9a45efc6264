package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress tells the user on standard error how far a command is: a bar on a
// terminal, a line per stage where plain text is asked for, else only notes.
type progress struct {
	w     io.Writer
	plain bool
	quiet bool

	mu    sync.Mutex
	stage string
	// pool and bar are nil without a terminal; notes wait for the bar to go.
	pool  *mpb.Progress
	bar   *mpb.Bar
	notes []string
}

// patience is how long a command may take before a bar appears.
const patience = time.Second

func (f *common) newProgress(c *cobra.Command) *progress {
	p := &progress{w: c.ErrOrStderr(), quiet: f.quiet, plain: f.progress == "plain" && !f.quiet}
	if file, ok := p.w.(*os.File); ok && f.progress == "auto" && !f.quiet && term.IsTerminal(int(file.Fd())) {
		p.draw()
	}
	return p
}

func (p *progress) draw() {
	delay := make(chan any)
	time.AfterFunc(patience, func() { close(delay) })
	p.pool = mpb.New(mpb.WithOutput(p.w), mpb.WithWidth(40), mpb.WithRenderDelay(delay))
	p.bar = p.pool.AddBar(1, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		p.mu.Lock()
		defer p.mu.Unlock()
		return fmt.Sprintf("%-18s", p.stage)
	})), mpb.AppendDecorators(decor.CountersNoUnit("%d / %d"), decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace)))
}

// Stage implements pipeline.Progress.
func (p *progress) Stage(name string) {
	p.mu.Lock()
	p.stage = name
	p.mu.Unlock()
	if p.plain {
		fmt.Fprintf(p.w, "%s\n", name)
	}
	p.Advance(0, 1)
}

// Advance implements pipeline.Progress.
func (p *progress) Advance(done, total int) {
	if p.bar != nil {
		p.bar.SetTotal(int64(total)+1, false)
		p.bar.SetCurrent(int64(min(done, total)))
	}
}

// Note implements pipeline.Progress.
func (p *progress) Note(text string) {
	if p.quiet {
		return
	}
	if p.pool != nil {
		p.notes = append(p.notes, text)
		return
	}
	fmt.Fprintln(p.w, text)
}

// close takes the bar away and says what it held back.
func (p *progress) close() {
	if p.pool == nil {
		return
	}
	p.bar.Abort(true)
	p.pool.Wait()
	p.pool = nil
	for _, n := range p.notes {
		fmt.Fprintln(p.w, n)
	}
}
