package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// The kernels for arm64 hold on an emulated processor.
func TestNEON(t *testing.T) {
	if runtime.GOARCH == "arm64" {
		t.Skip("this is arm64, where all tests are of these kernels")
	}
	emulator, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		t.Skip("no emulator of arm64:", err)
	}
	binary := filepath.Join(t.TempDir(), "kernel.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if message, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	run := exec.Command(emulator, binary, "-test.run", "^Test(Tiles|Gemm|Epilogue|GemmSpecialValues)$/^neon$")
	if message, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message[max(0, len(message)-2000):])
	}
}
