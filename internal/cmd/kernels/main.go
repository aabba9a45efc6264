// Command kernels writes the assembly of runtime/kernel and the Go declarations
// that go with it. What it writes depends on nothing but its own source.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"

	"onnxcompress/internal/cmd/kernels/vector"
)

// families are the sets of kernels, each of which becomes one pair of files.
var families = map[string]func() (assembly, stubs []byte, err error){
	"gemm":     amd64(gemm),
	"neon":     neon,
	"strip":    amd64(strips),
	"vector":   amd64(vector.Write),
	"winograd": amd64(winograd),
}

func main() {
	// The build package has taken these names in the common set.
	flags := flag.NewFlagSet("kernels", flag.ExitOnError)
	kernel := flags.String("kernel", "", "the family of kernels to write")
	out := flags.String("out", "", "assembly `file`")
	stubs := flags.String("stubs", "", "Go `file` of declarations")
	_ = flags.Parse(os.Args[1:])
	if err := write(*kernel, *out, *stubs); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func write(kernel, out, stubs string) error {
	generate, ok := families[kernel]
	if !ok {
		return fmt.Errorf("no kernels named %q", kernel)
	}
	assembly, declarations, err := generate()
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, assembly, 0o644); err != nil {
		return err
	}
	return os.WriteFile(stubs, declarations, 0o644)
}

// generator is what files say they are written by.
const generator = "internal/cmd/kernels"

// amd64 runs what builds functions with avo.
func amd64(define func(*build.Context)) func() (assembly, stubs []byte, err error) {
	return func() (assembly, stubs []byte, err error) {
		c := build.NewContext()
		c.ConstraintExpr("!noasm")
		define(c)
		file, err := c.Result()
		if err != nil {
			return nil, nil, err
		}
		if err := pass.Compile.Execute(file); err != nil {
			return nil, nil, err
		}
		config := printer.Config{Name: generator, Pkg: "kernel"}
		if assembly, err = printer.NewGoAsm(config).Print(file); err != nil {
			return nil, nil, err
		}
		stubs, err = printer.NewStubs(config).Print(file)
		return assembly, stubs, err
	}
}
