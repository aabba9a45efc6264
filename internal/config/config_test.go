package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// flags are flags of every kind, none of them set.
func flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.BoolP("force", "f", false, "")
	f.Bool("validate", true, "")
	f.Int("round-to", 8, "")
	f.Float64("min-kept", 0.05, "")
	f.Duration("patience", time.Second, "")
	f.String("method", "auto", "")
	f.String("target-macs", "", "")
	f.String("target-params", "", "")
	f.StringArray("shape", nil, "")
	f.StringSlice("keep", []string{"a", "b"}, "")
	f.IntSlice("steps", nil, "")
	f.Var(Floats(new([]float64)), "mean", "")
	f.String(Load, "", "")
	f.String(Save, "", "")
	f.Bool("help", false, "")
	Exclusive(f, "target-macs", "target-params")
	return f
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// said is what the flags say, all that differs from what is there by default.
func said(f *pflag.FlagSet) string {
	var lines []string
	for _, s := range Differing(f) {
		if s.List {
			lines = append(lines, fmt.Sprintf("%s%q", s.Flag, s.Values))
		} else {
			lines = append(lines, fmt.Sprintf("%s=%s", s.Flag, s.Values[0]))
		}
	}
	return strings.Join(lines, " ")
}

// TestOrder: the command line goes before the environment, and that before the
// file.
func TestOrder(t *testing.T) {
	tests := []struct {
		name, line, env, file, want string
	}{
		{"nothing", "", "", "", ""},
		{"only comments", "", "", "# method: obs\n", ""},
		{"an empty document", "", "", "---\n", ""},
		{"file", "", "", "method: obs\nforce: true\nvalidate: false\nmin-kept: 1e-3\npatience: 2m\n", "force=true method=obs min-kept=0.001 patience=2m0s validate=false"},
		{"environment", "", "METHOD=obs ROUND_TO=4 SHAPE=x:1,2", "", `method=obs round-to=4 shape["x:1,2"]`},
		{"empty variable", "", "METHOD=", "method: obs", "method=obs"},
		{"environment before file", "", "METHOD=a MEAN=3", "method: b\nmean: [1, 2]\nround-to: 2", `mean["3"] method=a round-to=2`},
		{"line before all", "--method=c --mean=4,5", "METHOD=a MEAN=3", "method: b\nmean: [1, 2]\nround-to: 2", `mean["4" "5"] method=c round-to=2`},
		{"default on the line", "--method=auto", "METHOD=a", "method: b", ""},
		{"one of several, line", "--target-macs=1", "TARGET_PARAMS=2", "target-params: 3", "target-macs=1"},
		{"one of several, environment", "", "TARGET_PARAMS=2", "target-macs: 3", "target-params=2"},
		{"lists", "", "", "mean: [0.1, 1e-9]\nshape: [x:1, 'y:1,2']\nsteps:\n- 1\n- 2\n", `mean["0.1" "1e-09"] shape["x:1" "y:1,2"] steps["1" "2"]`},
		{"a list as the command line has it", "", "", "steps: 1,2\nmean: 0.5,0.25\nshape: x:1,2", `mean["0.5" "0.25"] shape["x:1,2"] steps["1" "2"]`},
		{"an empty list", "", "", "keep: []", "keep[]"},
		{"keys in a list", "", "", "shape: [x: [1, 3, 8], y: 4]", `shape["x:1,3,8" "y:4"]`},
		{"keys for a list", "", "", "shape:\n  x: [1, 3]\n  y: 4\n", `shape["x:1,3" "y:4"]`},
		{"list in a list", "", "", "keep: [[a, b], c]", `keep["a,b" "c"]`},
		{"text that looks like something else", "", "", "method: 0x1F\ntarget-macs: 50%\n", "method=0x1F target-macs=50%"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := flags()
			if err := f.Parse(strings.Fields(test.line)); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{}
			for _, v := range strings.Fields(test.env) {
				name, value, _ := strings.Cut(v, "=")
				env["TEST_"+name] = value
			}
			if err := FromEnv(f, "TEST_", func(name string) (string, bool) { v, ok := env[name]; return v, ok }); err != nil {
				t.Fatal(err)
			}
			if err := FromFile(f, write(t, test.file)); err != nil {
				t.Fatal(err)
			}
			if got := said(f); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestBadFiles: one line that names the file, the line and what is wrong.
func TestBadFiles(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "force: true\ntaget-macs: 50%", `:2: unknown key "taget-macs"; the nearest is target-macs`},
		{"underscores", "round_to: 4", `:1: unknown key "round_to"; the nearest is round-to`},
		{"short name", "f: true", `:1: unknown key "f"`},
		{"no key, help", "help: true", `:1: unknown key "help"`},
		{"no key, file", "config: other.yaml", `:1: unknown key "config"`},
		{"long key", strings.Repeat("k", 900) + ": 1", `:1: unknown key "kkk`},
		{"twice", "force: true\n\nforce: true", ":3: force is given in line 1 already"},
		{"a list for one", "method: [obs]", ":1: method takes one value"},
		{"keys for one", "method: {a: b}", ":1: method takes one value"},
		{"no value", "method:", ":1: there is no value"},
		{"null", "force: true\nmethod: ~", ":2: there is no value"},
		{"wrong type", "round-to: many", `:1: round-to: strconv`},
		{"wrong truth", "force: maybe", ":1: force: strconv"},
		{"wrong item", "mean: [1, x]", `:1: mean: "x" is no number`},
		{"item without a value", "mean: [1, ~]", ":1: there is no value"},
		{"wrong item as text", "mean: 1,x", `:1: mean: "x" is no number`},
		{"deep list", "keep: [[[a]]]", ":1: want a single value"},
		{"deep keys", "shape: {x: {y: 1}}", ":1: keys within keys"},
		{"two keys in an item", "shape: [{x: 1, y: 2}]", ":1: want one key"},
		{"alias", "method: &m obs\ntarget-macs: *m", ":2: aliases"},
		{"alias in itself", "keep: &m [*m]", ":1: aliases"},
		{"alias of nothing", "method: *m", ":1: unknown anchor"},
		{"no keys", "- method", ":1: want keys with values"},
		{"a word", "method", ":1: want keys with values"},
		{"a key that is a list", "? [a]\n: 1", ":1: a key that is no name"},
		{"second document", "force: true\n---\nforce: true", ":2: a second document"},
		{"no YAML", "force: [", ":2: while parsing"},
		{"tab", "force: true\n\tmethod: obs", ":2: "},
		{"no text", "\x00\x01", ": "},
		{"too large", strings.Repeat("# filling\n", 200000), ": too large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.text)
			err := FromFile(flags(), path)
			if err == nil || !strings.HasPrefix(err.Error(), path+test.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("got %v, want one line with %q", err, test.want)
			}
		})
	}
	if err := FromFile(flags(), filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("a file that is not there is no error")
	}
	err := FromEnv(flags(), "TEST_", func(name string) (string, bool) { return "x", name == "TEST_ROUND_TO" })
	if err == nil || !strings.HasPrefix(err.Error(), "TEST_ROUND_TO: ") {
		t.Errorf("a bad variable gives %v", err)
	}
}

// TestRoundTrip: what is written is read back as it was.
func TestRoundTrip(t *testing.T) {
	texts := []string{
		"", " ", "a b", "50%", "0.5", "1e9", "true", "null", "~", "yes", "[a]", "{a: b}", "a: b", "# no comment", "- a", "*a", "&a", "!a", "'", `"`, `\d+\.w`,
		"two\nlines", "tab\t", "\x00\x1b", "é漢😀", "@", "%", "`", "|", ">", "---", "...", "x:1,3,224,224", "0x1F", "0o7", "1_000", "2001-01-01", "<<", "=", strings.Repeat("long ", 60),
	}
	for _, text := range texts {
		f := flags()
		for name, value := range map[string]string{"method": text, "shape": text, "force": "true", "patience": "90s", "mean": "0.1306604762738429,1e-300"} {
			if err := f.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Set("shape", "second"); err != nil {
			t.Fatal(err)
		}
		if err := f.Lookup("keep").Value.(pflag.SliceValue).Replace([]string{text, "x,y", text}); err != nil {
			t.Fatal(err)
		}
		again(t, f)
	}
	f := flags()
	if err := f.Set("method", "not\xffUTF-8"); err != nil {
		t.Fatal(err)
	}
	if err := Write(&bytes.Buffer{}, f); err == nil {
		t.Error("text that YAML cannot hold is no error")
	}
}

// again writes settings, reads them back and compares.
func again(t testing.TB, f *pflag.FlagSet) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f, "a header", "of two lines"); err != nil {
		t.Fatal(err)
	}
	back := flags()
	if err := FromFile(back, write(t, b.String())); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	same := func(a, b Setting) bool { return a.Flag == b.Flag && slices.Equal(a.Values, b.Values) }
	if !slices.EqualFunc(Differing(f), Differing(back), same) {
		t.Errorf("wrote\n%s\nhad  %s\nread %s", b.String(), said(f), said(back))
	}
}

// FuzzFile: any file is settings, which survive being written, or one line that
// says why not.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"method: obs\nforce: true", "shape: [x: [1, 3], y: 2]", "keep: &a [b, *a]", "a: {b: c", "mean: 1,2\nsteps: [3]", "? {a}\n: |\n b", "method: \"\\x00\\U0001F600\"", "%YAML 1.2\n---\nforce: no\n...", "<<: {a: b}", "method: !!binary QQ==",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		set := flags()
		err := FromFile(set, write(t, text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a line", err)
			}
			return
		}
		again(t, set)
	})
}
