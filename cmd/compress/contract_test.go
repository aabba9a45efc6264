package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"onnxcompress/runtime/ort"
)

const (
	resnet = "../../testdata/resnet8_digits.onnx"
	digits = "../../testdata/digits.npz"
)

// needRuntime skips a test where onnxruntime is not at hand.
func needRuntime(t *testing.T) {
	t.Helper()
	if _, err := ort.Find(""); err != nil {
		t.Skip(err)
	}
}

// read reads a file of JSON.
func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// cutHalf are the arguments of a run that halves the shipped model.
func cutHalf(out string, more ...string) []string {
	return append([]string{resnet, "-o", out, "--target-macs", "50%", "--method", "magnitude", "--round-to", "1", "--no-train", "--no-compensate", "--seed", "3"}, more...)
}

// TestExitCodes: what a command says, where, and how it ends. OUT stands for a
// file that is not there, OLD for one that is.
func TestExitCodes(t *testing.T) {
	needRuntime(t)
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"halved", cutHalf("OUT"), 0, "OUT", ""},
		{"quiet", cutHalf("OUT", "-q"), 0, "", ""},
		{"plain progress", cutHalf("OUT", "--progress", "plain"), 0, "OUT", "validating"},
		{"by sparsity", []string{resnet, "-o", "OUT", "--target-sparsity", "0.3", "--method", "random"}, 0, "OUT", ""},
		{"by parameters", []string{resnet, "-o", "OUT", "--target-params", "40K", "--method", "magnitude", "--no-validate"}, 0, "not done", "--no-validate"},
		{"by size", []string{resnet, "-o", "OUT", "--target-size", "60%", "--method", "magnitude", "--no-validate"}, 0, "OUT", ""},
		{"dry run", cutHalf("OUT", "--dry-run"), 0, "MACs", ""},
		{"forced", cutHalf("OLD", "--force"), 0, "OLD", ""},
		{"no arguments", nil, 2, "", "takes 1 arguments"},
		{"unknown flag", []string{resnet, "--frobnicate"}, 2, "", "unknown flag"},
		{"unknown command", []string{"frobnicate"}, 2, "", "nor a subcommand"},
		{"unknown method", []string{resnet, "--method", "magic"}, 2, "", "magic"},
		{"method that trains", []string{resnet, "--method", "hesso"}, 2, "", "trains"},
		{"two targets", cutHalf("OUT", "--target-params", "0.5"), 2, "", "more than one target"},
		{"target above all", []string{resnet, "--target-macs", "150%"}, 2, "", "150%"},
		{"target is no number", []string{resnet, "--target-macs", "half"}, 2, "", "half"},
		{"bad shape", cutHalf("OUT", "--shape", "x"), 2, "", "--shape"},
		{"shape of no input", cutHalf("OUT", "--shape", "nobody:1,2"), 2, "", "nobody"},
		{"bad expression", cutHalf("OUT", "--keep", "("), 2, "", "--keep"},
		{"bad progress", cutHalf("OUT", "--progress", "loud"), 2, "", "--progress"},
		{"missing inputs", cutHalf("OUT", "--inputs", "nowhere.npz"), 2, "", "nowhere.npz"},
		{"missing data", cutHalf("OUT", "--data", "nowhere.npz"), 2, "", "nowhere.npz"},
		{"output exists", cutHalf("OLD"), 2, "", "--force"},
		{"output is the input", []string{resnet, "-o", resnet, "--force"}, 2, "", "the output is the input"},
		{"output in no folder", cutHalf("OUT/deeper/out.onnx"), 2, "", "there is no folder"},
		{"everything kept", cutHalf("OUT", "--keep", "."), 3, "", "nothing can be pruned"},
		{"target out of reach", []string{resnet, "-o", "OUT", "--target-macs", "5%", "--min-kept", "60%", "--method", "magnitude"}, 5, "", "target not met"},
		{"missing library", cutHalf("OUT", "--ort-lib", "nowhere.so"), 1, "", "nowhere.so"},
		{"inspect", []string{"inspect", resnet}, 0, "its shape is the model", ""},
		{"inspect graph", []string{"inspect", resnet, "--dot"}, 0, "graph groups {", ""},
		{"validate equal", []string{"validate", resnet, resnet}, 0, "equal", ""},
		{"validate with one model", []string{"validate", resnet}, 2, "", "takes 2 arguments"},
		{"bench", []string{"bench", resnet, "--time", "20ms"}, 0, "median", ""},
		{"bench, native", []string{"bench", resnet, "--engine", "native", "--batch", "2", "--time", "20ms"}, 0, "samples/s", ""},
		{"bench of training", []string{"bench", resnet, "--engine", "native", "--train", "--batch", "2", "--time", "20ms"}, 0, "samples/s", ""},
		{"bench with another engine", []string{"bench", resnet, "--engine", "steam"}, 2, "", "steam"},
		{"training in onnxruntime", []string{"bench", resnet, "--train"}, 2, "", "native"},
		{"training in little memory", []string{"bench", resnet, "--engine", "native", "--train", "--batch", "16", "--memory-limit", "900KB", "--time", "20ms"}, 0, "samples/s", ""},
		{"training in no memory", []string{"bench", resnet, "--engine", "native", "--train", "--batch", "16", "--memory-limit", "5kb"}, 2, "", "needs at least"},
		{"a share of memory", []string{"bench", resnet, "--engine", "native", "--train", "--memory-limit", "50%"}, 2, "", "--memory-limit"},
		{"memory of inference", []string{"bench", resnet, "--memory-limit", "1GB"}, 2, "", "--train"},
		{"batch of none", []string{"bench", resnet, "--batch", "0"}, 2, "", "--batch 0"},
		{"batch of other inputs", []string{"bench", resnet, "--batch", "3", "--shape", "input:2,1,8,8"}, 2, "", "2 samples"},
		{"run", []string{"run", resnet}, 0, "logits", ""},
		{"eval", []string{"eval", resnet, "--data", digits}, 0, "accuracy", ""},
		{"eval without data", []string{"eval", resnet}, 2, "", "--data"},
		{"ops", []string{"ops"}, 0, "Conv", ""},
		{"version", []string{"version"}, 0, "onnxruntime", ""},
		{"help", []string{"--help"}, 0, "--target-macs", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			old := write(t, filepath.Join(dir, "old.onnx"), []byte("something of the user's"))
			out := filepath.Join(dir, "out.onnx")
			place := strings.NewReplacer("OUT", out, "OLD", old)
			args := slices.Clone(test.args)
			for i := range args {
				args[i] = place.Replace(args[i])
			}
			code, stdout, stderr := command(args...)
			if code != test.code || !strings.Contains(stdout, place.Replace(test.stdout)) || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit %d, want %d\nstdout: %s\nstderr: %s", code, test.code, stdout, stderr)
			}
			if test.code != 0 && (stdout != "" || strings.Count(stderr, "\n") != 1 && test.code == 2) {
				t.Errorf("stdout: %q, stderr: %q, want nothing and one line", stdout, stderr)
			}
			if test.code != 0 || slices.Contains(args, "--dry-run") {
				if left := files(t, dir); left != dir+"\n"+old {
					t.Errorf("the folder has\n%s", left)
				}
			}
		})
	}
}

// TestResultIsJudged: the compact model is the masked one's equal, which
// validate confirms, and not the original's, which it tells by its exit code.
func TestResultIsJudged(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	out, masked := filepath.Join(dir, "out.onnx"), filepath.Join(dir, "masked.onnx")
	if code, _, stderr := command(cutHalf(out, "--masked-output", masked)...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, test := range []struct {
		a, b string
		code int
	}{{masked, out, 0}, {resnet, out, 4}, {resnet, masked, 4}} {
		if code, _, stderr := command("validate", test.a, test.b); code != test.code {
			t.Errorf("validate %s %s: exit %d, want %d: %s", test.a, test.b, code, test.code, stderr)
		}
	}
	// The same seed gives the same bytes.
	again := filepath.Join(dir, "again.onnx")
	if code, _, stderr := command(cutHalf(again)...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	a, errA := os.ReadFile(out)
	b, errB := os.ReadFile(again)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("a second run gives another model (%v, %v)", errA, errB)
	}
}

// TestJSON: the keys that scripts rely on.
func TestJSON(t *testing.T) {
	needRuntime(t)
	measures := []string{"bytes", "latency_ms", "macs", "metric", "params"}
	speeds := []string{
		"batch", "engine", "gflops", "mode", "ms_median", "ms_spread", "peak_bytes", "samples_per_second", "threads",
	}
	tests := []struct {
		name string
		args []string
		keys map[string][]string
	}{
		{"compress", cutHalf(filepath.Join(t.TempDir(), "out.onnx"), "--data", digits, "--json"), map[string][]string{
			"": {
				"after", "before", "groups", "input", "method", "output", "pinned", "prunable_macs", "seconds", "seed", "validation",
			},
			"before": measures, "after": measures, "groups": {"prunable", "removed", "total"},
			"validation": {"inputs", "max_rel_error"}, "pinned": {"axis", "macs", "operator", "reason", "value"},
		}},
		{"inspect", []string{"inspect", resnet, "--json"}, map[string][]string{
			"": {"before", "groups", "input", "pinned", "prunable_macs"}, "before": measures,
			"groups": {"prunable", "removed", "total"}, "pinned": {"axis", "macs", "operator", "reason", "value"},
		}},
		{"validate", []string{"validate", resnet, resnet, "--json"}, map[string][]string{"": {"inputs", "max_rel_error"}}},
		{"eval", []string{"eval", resnet, "--data", digits, "--json"}, map[string][]string{"": {"metric"}}},
		{"bench", []string{"bench", resnet, "--time", "20ms", "--json"}, map[string][]string{"": speeds}},
		{"bench of training", []string{"bench", resnet, "--engine", "native", "--train", "--time", "20ms", "--json"}, map[string][]string{"": speeds}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := command(test.args...)
			var got map[string]any
			if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
				t.Fatalf("exit %d, %v: %s%s", code, err, stdout, stderr)
			}
			for part, keys := range test.keys {
				value := any(got)
				if part != "" {
					value = got[part]
				}
				if list, ok := value.([]any); ok && len(list) > 0 {
					value = list[0]
				}
				object, _ := value.(map[string]any)
				for _, key := range keys {
					if _, ok := object[key]; !ok {
						t.Errorf("%q has no key %q: %v", part, key, value)
					}
				}
			}
		})
	}
}

// TestUntrainable: a model that cannot be trained is unsupported, and all that
// stands in the way is named.
func TestUntrainable(t *testing.T) {
	tests := []struct {
		name  string
		types []string
		want  []string
	}{
		{"operators", []string{"Frobnicate", "Grumble"}, []string{"Frobnicate", "Grumble"}},
		{"derivatives", []string{"Bernoulli"}, []string{"Bernoulli"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := conv()
			for i, kind := range test.types {
				m.Graph.Node[i+1].OpType = &kind
			}
			path := write(t, filepath.Join(t.TempDir(), "m.onnx"), encoded(t, m))
			code, stdout, stderr := command("bench", path, "--engine", "native", "--train")
			if code != 3 || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d, said %q and %q", code, stdout, stderr)
			}
			for _, want := range append(test.want, path) {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not name %s", stderr, want)
				}
			}
		})
	}
}

// TestRunOutputs: outputs go to an npz by name, and that npz can be fed to
// nothing but can be read.
func TestRunOutputs(t *testing.T) {
	needRuntime(t)
	path := filepath.Join(t.TempDir(), "out.npz")
	if code, _, stderr := command("run", resnet, "--outputs", path); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte("logits.npy")) {
		t.Errorf("the npz has no array logits (%v)", err)
	}
}

// interrupter sends the program a signal when it begins to write.
type interrupter struct {
	bytes.Buffer
	sent bool
}

func (i *interrupter) Write(p []byte) (int, error) {
	if !i.sent {
		i.sent = true
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGINT)
		}
		if err != nil {
			return 0, err
		}
	}
	return i.Buffer.Write(p)
}

// TestInterrupted: an interrupt ends a run with its own code and leaves nothing.
func TestInterrupted(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	var stdout bytes.Buffer
	var stderr interrupter
	code := run(cutHalf(filepath.Join(dir, "out.onnx"), "--progress", "plain", "--data", digits), &stdout, &stderr)
	if code != exitInterrupted || !strings.Contains(stderr.String(), "compress: interrupted\n") || stdout.Len() > 0 {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
	if left := files(t, dir); left != dir {
		t.Errorf("the folder has\n%s", left)
	}
}

// TestUnsuitableInputs: where random inputs fail, the error says what to pass.
func TestUnsuitableInputs(t *testing.T) {
	needRuntime(t)
	m := conv()
	m.Graph.Input = append(m.Graph.Input, declared("n", 2)...)
	m.Graph.Input[1].Type.GetTensorType().ElemType = &[]int32{7}[0]
	m.Graph.Node[2].Output[0], m.Graph.Node[2].Name = "z", nil
	m.Graph.Node = append(m.Graph.Node, node("Reshape", []string{"z", "n"}, "y"))
	m.Graph.Output[0].Type = nil
	path := write(t, filepath.Join(t.TempDir(), "m.onnx"), encoded(t, m))
	for _, args := range [][]string{{"run", path}, {"bench", path}, {"validate", path, path}, {path, "--target-macs", "50%", "--method", "magnitude"}} {
		code, _, stderr := command(args...)
		if code != 2 || !strings.Contains(stderr, "--inputs FILE.npz") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, said %q", args, code, stderr)
		}
	}
}
