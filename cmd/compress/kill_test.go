package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// asProgram, in the environment, makes the test's own file run as the command.
const asProgram = "COMPRESS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// program is the command in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// TestKill: a training that is killed, whenever that happens, goes on with
// --resume and ends in the model that it would have ended in. Nothing but a
// checkpoint is there until it is done.
func TestKill(t *testing.T) {
	needRuntime(t)
	args := func(out string) []string {
		return []string{
			resnet, "--data", digits, "--target-macs", "40%", "--epochs", "6", "-o", out, "--resume",
			"--checkpoint-interval", "20ms", "--threads", "1", "-q",
		}
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.onnx")
	begin := time.Now()
	if b, err := program(t, args(whole)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	length := time.Since(begin)
	want, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	resumed := 0
	for i := range 20 {
		out := filepath.Join(dir, "killed.onnx")
		c := program(t, args(out)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Most of a run is not training, which is where it is to be killed.
		for began := time.Now(); time.Since(began) < length; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "killed.checkpoint", "checkpoint.npz")); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(rng.Float64() * 0.1 * float64(length)))
		_ = c.Process.Kill()
		killed := c.Wait() != nil
		if _, err := os.Stat(filepath.Join(dir, "killed.checkpoint")); killed && err == nil {
			resumed++
		}
		if _, err := os.Stat(out); killed && err == nil {
			t.Logf("kill %d came after the model was in place", i)
		}
		if b, err := program(t, append(args(out), "--force")...).CombinedOutput(); err != nil {
			t.Fatalf("kill %d: %v: %s", i, err, b)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("kill %d: another model", i)
		}
		if err := os.Remove(out); err != nil {
			t.Fatal(err)
		}
	}
	if resumed == 0 {
		t.Error("no kill left a checkpoint: nothing was tested")
	}
	t.Logf("%d of 20 went on from a checkpoint", resumed)
}
