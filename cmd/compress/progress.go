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

	"onnxcompress/compress/pipeline"
)

// progress tells the user on standard error how far a command is: a bar on a
// terminal, a line per stage where plain text is asked for, a line per epoch
// elsewhere, and notes in any case.
type progress struct {
	w     io.Writer
	plain bool
	quiet bool
	// epochs says that training is told of in lines.
	epochs bool
	now    func() time.Time

	// mu guards what the bar shows: the stage, and how training fares in it.
	mu       sync.Mutex
	stage    string
	training string
	// told is when the stage began or training was last told of; epoch is the
	// last that has had its line.
	told  time.Time
	epoch int
	// pool and bar are nil without a terminal; notes wait for the bar to go.
	pool  *mpb.Progress
	bar   *mpb.Bar
	notes []string
}

// patience is how long a command may take before a bar appears.
const patience = time.Second

// lull is the longest that training goes on without a line.
const lull = 30 * time.Second

func (f *common) newProgress(c *cobra.Command) *progress {
	p := &progress{w: c.ErrOrStderr(), quiet: f.quiet, now: time.Now}
	p.plain, p.epochs = f.progress == "plain" && !f.quiet, f.progress != "none" && !f.quiet
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
	})), mpb.AppendDecorators(decor.CountersNoUnit("%d / %d"), decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace), decor.Any(func(decor.Statistics) string {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.training
	})))
}

// Stage implements pipeline.Progress.
func (p *progress) Stage(name string) {
	p.mu.Lock()
	p.stage, p.training = name, ""
	p.mu.Unlock()
	p.told, p.epoch = p.now(), 0
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

// Train implements pipeline.Progress.
func (p *progress) Train(s pipeline.TrainStatus) {
	if p.bar != nil {
		p.mu.Lock()
		p.training = "  " + trainingLine(s)
		p.mu.Unlock()
		p.Advance(s.Step, s.Steps)
		return
	}
	if now := p.now(); p.epochs && (s.Epoch > p.epoch || now.Sub(p.told) >= lull) {
		p.told, p.epoch = now, s.Epoch
		fmt.Fprintf(p.w, "%s  step %d/%d\n", trainingLine(s), s.Step, s.Steps)
	}
}

// trainingLine is what there is to say of training besides its steps.
func trainingLine(s pipeline.TrainStatus) string {
	line := fmt.Sprintf("epoch %d/%d  loss %.4g", s.Epoch, s.Epochs, s.Loss)
	if s.Held != nil {
		line += fmt.Sprintf("  %s %.2f %%", s.Judged, 100**s.Held)
	}
	line += fmt.Sprintf("  MACs %.1f %%", 100*s.MACs)
	if s.Left > 0 {
		line += fmt.Sprintf("  %v left", s.Left.Round(time.Second))
	}
	return line
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
