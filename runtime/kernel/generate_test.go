package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"
)

// The assembly in the tree is what its generator writes.
func TestGenerated(t *testing.T) {
	for kernel, name := range map[string]string{"gemm": "gemm_amd64", "neon": "gemm_arm64", "strip": "strip_amd64", "vector": "vector_amd64", "winograd": "winograd_amd64"} {
		t.Run(kernel, func(t *testing.T) {
			files := []string{name + ".s", name + ".go"}
			dir := t.TempDir()
			out, stubs := filepath.Join(dir, files[0]), filepath.Join(dir, files[1])
			cmd := exec.Command("go", "run", "onnxcompress/internal/cmd/kernels", "-kernel", kernel, "-out", out, "-stubs", stubs)
			if message, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, message)
			}
			for _, name := range files {
				want, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is not what the generator writes; run go generate ./runtime/kernel", name)
				}
			}
		})
	}
}

// The generator has these numbers in its source.
func TestTileLayout(t *testing.T) {
	var x tile
	for name, at := range map[string][2]uintptr{
		"a":      {unsafe.Offsetof(x.a), 0},
		"b":      {unsafe.Offsetof(x.b), 8},
		"c":      {unsafe.Offsetof(x.c), 16},
		"bias":   {unsafe.Offsetof(x.bias), 24},
		"res":    {unsafe.Offsetof(x.res), 32},
		"aRow":   {unsafe.Offsetof(x.aRow), 40},
		"aK":     {unsafe.Offsetof(x.aK), 48},
		"aNext":  {unsafe.Offsetof(x.aNext), 56},
		"bK":     {unsafe.Offsetof(x.bK), 64},
		"cRow":   {unsafe.Offsetof(x.cRow), 72},
		"resRow": {unsafe.Offsetof(x.resRow), 80},
		"k":      {unsafe.Offsetof(x.k), 88},
		"segs":   {unsafe.Offsetof(x.segs), 96},
		"alpha":  {unsafe.Offsetof(x.alpha), 104},
		"beta":   {unsafe.Offsetof(x.beta), 108},
		"mask":   {unsafe.Offsetof(x.mask), 112},
		"lanes":  {unsafe.Offsetof(x.lanes), 120},
	} {
		if at[0] != at[1] {
			t.Errorf("%s is at %d, and the assembly reads it at %d", name, at[0], at[1])
		}
	}
}
