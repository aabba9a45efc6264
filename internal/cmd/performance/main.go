// Command performance writes docs/performance.md: how fast the engine trains and
// infers the reference nets, and in how much memory, next to PyTorch and
// onnxruntime on the same machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"onnxcompress/internal/machine"
)

// net is a reference net as PyTorch's script names it.
type net struct {
	name  string
	batch int
}

// file is the name of the net's model.
func (n net) file() string { return strings.ReplaceAll(n.name, "@", "_") + ".onnx" }

// nets are those of torch_speed.py, with its batches.
var nets = []net{
	{"resnet20-cifar", 64},
	{"vgg16bn-w25", 64},
	{"resnet18-cifar", 32},
	{"vit-fashion", 64},
	{"lenet-fashion", 64},
	{"mobilenet_v2@96", 16},
}

// options are the flags.
type options struct {
	out, nets, script, python, compress string
	only                                string
	rounds, threads                     int
}

func main() {
	var o options
	flag.StringVar(&o.out, "o", filepath.FromSlash("docs/performance.md"), "file to write")
	flag.StringVar(&o.nets, "nets", "", "folder of the exported nets; PyTorch exports them if not given")
	flag.StringVar(&o.script, "script", filepath.FromSlash("../shared/checks/torch_speed.py"), "what exports the nets and times PyTorch")
	flag.StringVar(&o.python, "python", "python3", "Python, with PyTorch and torchvision")
	flag.StringVar(&o.compress, "compress", filepath.FromSlash("bin/compress"), "the compress command")
	flag.StringVar(&o.only, "only", "", "nets to measure, separated by commas, for a page on standard output; all if not given")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured in turn")
	flag.IntVar(&o.threads, "threads", runtime.GOMAXPROCS(0), "threads of each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	torch := hasTorch(ctx, o)
	if o.nets == "" {
		if torch != nil {
			return fmt.Errorf("no nets: %w; install it, or pass a folder of exported nets by -nets", torch)
		}
		scratch, err := os.MkdirTemp("", "performance-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(scratch)
		o.nets = scratch
		if _, err := output(ctx, o.python, o.script, "--export", scratch); err != nil {
			return err
		}
	}
	m := &meter{options: o, torch: torch == nil}
	p := page{machine: machine.Processor(), threads: o.threads, rounds: o.rounds}
	if torch != nil {
		p.missing = torch.Error()
	}
	for _, n := range nets {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+n.name+",") {
			continue
		}
		if _, err := os.Stat(filepath.Join(o.nets, n.file())); err != nil {
			return err
		}
		row, err := m.measure(ctx, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		p.rows = append(p.rows, row)
	}
	p.torch = m.version
	if o.only != "" {
		_, err := fmt.Print(p)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o777); err != nil {
		return err
	}
	return os.WriteFile(o.out, []byte(p.String()), 0o666)
}

// hasTorch says why PyTorch cannot be measured, nil where it can.
func hasTorch(ctx context.Context, o options) error {
	if _, err := os.Stat(o.script); err != nil {
		return fmt.Errorf("there is no %s", filepath.Base(o.script))
	}
	if _, err := output(ctx, o.python, "-c", "import torch, torchvision"); err != nil {
		return errors.New("PyTorch and torchvision are not installed")
	}
	return nil
}

// output is what a program writes to its standard output.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, lastLine(said.String()))
	}
	return out, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
