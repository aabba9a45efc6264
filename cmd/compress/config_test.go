package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onnxcompress/internal/config"
)

// TestSettings: where settings come from makes no difference to what comes out,
// and what is saved gives the same run again.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	saved := filepath.Join(dir, "saved.yaml")
	file := write(t, filepath.Join(dir, "run.yaml"), []byte(`
target-macs: 30%
method: random
round-to: 1
no-validate: true
shape:
  input: [1, 1, 8, 8]
`))
	line := []string{"--target-macs", "50%", "--method", "random", "--round-to", "1", "--seed", "5", "--no-validate", "--shape", "input:1,1,8,8"}
	runs := []struct {
		name string
		args []string
		env  map[string]string
	}{
		{"line", append(line, "--save-config", saved), nil},
		{"saved", []string{"--config", saved}, nil},
		{"file and line", []string{"--config", file, "--target-macs", "50%", "--seed", "5"}, nil},
		{"file and environment", nil, map[string]string{"COMPRESS_CONFIG": file, "COMPRESS_TARGET_MACS": "50%", "COMPRESS_SEED": "5"}},
	}
	var want []byte
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			for name, value := range r.env {
				t.Setenv(name, value)
			}
			out := filepath.Join(dir, "out.onnx")
			if code, _, stderr := command(append([]string{resnet, "-o", out, "--force", "-q"}, r.args...)...); code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Error("another model")
			}
		})
	}
}

// TestBadSettings: one line and the code of bad usage, whatever is wrong with a
// file of settings, and no output.
func TestBadSettings(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"unknown key", "method: random\nro: 1", `run.yaml:2: unknown key "ro"; the nearest is `},
		{"bad value", "round-to: x", "run.yaml:1: round-to"},
		{"no YAML", "a: [", "run.yaml:2: "},
		{"value that the run refuses", "target-macs: half", "half"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "run.yaml"), []byte(test.file))
			code, stdout, stderr := command(resnet, "--config", path, "-o", filepath.Join(dir, "out.onnx"), "--save-config", filepath.Join(dir, "saved.yaml"))
			if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
				t.Errorf("exit %d, said %q and %q; want one line with %q", code, stdout, stderr, test.want)
			}
			if left := files(t, dir); left != dir+"\n"+path {
				t.Errorf("the folder has\n%s", left)
			}
		})
	}
	if code, _, stderr := command(resnet, "--config", filepath.Join(t.TempDir(), "none.yaml")); code != 2 || !strings.Contains(stderr, "none.yaml") {
		t.Errorf("a file that is not there: exit %d, %s", code, stderr)
	}
}

// TestSavable: of a command whose settings can be saved, every flag can be.
func TestSavable(t *testing.T) {
	sample := map[string]string{
		"bool": "true", "string": "a: 'b' #", "int": "-7", "int64": "9007199254740993", "float64": "0.1306604762738429", "duration": "90s", "stringArray": "x:1,2", "stringSlice": "x",
		"floats": "0.1306604762738429,-1e-300",
	}
	verbose := false
	for _, name := range []string{"", "simplify"} {
		t.Run("compress "+name, func(t *testing.T) {
			flags, back := named(newRoot(&verbose), name).Flags(), named(newRoot(&verbose), name).Flags()
			flags.VisitAll(func(f *pflag.Flag) {
				text, ok := sample[f.Value.Type()]
				if f.DefValue == "true" {
					text = "false"
				}
				if !ok {
					t.Errorf("--%s: the test has no value of type %s; pflag's lists of floats lose digits, config.Floats does not", f.Name, f.Value.Type())
				} else if err := flags.Set(f.Name, text); err != nil {
					t.Error(err)
				}
			})
			var b bytes.Buffer
			if err := config.Write(&b, flags, "header"); err != nil {
				t.Fatal(err)
			}
			if err := config.FromFile(back, write(t, filepath.Join(t.TempDir(), "f.yaml"), b.Bytes())); err != nil {
				t.Fatalf("%v in\n%s", err, b.String())
			}
			if got, want := config.Differing(back), config.Differing(flags); !reflect.DeepEqual(got, want) || len(want) < 5 {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// named is a subcommand, or the root for no name.
func named(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return root
}
