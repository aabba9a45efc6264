package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestVectorCodeIsGenerated(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command:", err)
	}
	dir := t.TempDir()
	files := []string{"vector_amd64.s", "vector_amd64.go"}
	run := exec.Command(tool, "run", "onnxcompress/internal/cmd/kernels", "-kernel", "vector",
		"-out", filepath.Join(dir, files[0]), "-stubs", filepath.Join(dir, files[1]))
	if text, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
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
			t.Errorf("%s is not what the generator writes: make gen", name)
		}
	}
}
