package ort

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// elsewhere gives a test a home of its own, with nothing cached, no library
// named and, where the system has such a list, one folder of libraries.
func elsewhere(t *testing.T) (cached, system string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv("LocalAppData", filepath.Join(home, "cache"))
	t.Setenv(environmentVariable, "")
	system = filepath.Join(home, "lib")
	t.Setenv("LD_LIBRARY_PATH", system)
	t.Setenv("DYLD_LIBRARY_PATH", system)
	cached, err := cachePath()
	if err != nil {
		t.Fatal(err)
	}
	return cached, filepath.Join(system, libraryName())
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFindOrder(t *testing.T) {
	cached, system := elsewhere(t)
	dir := t.TempDir()
	byFlag, byEnv := filepath.Join(dir, "flag.so"), filepath.Join(dir, "env.so")
	for _, path := range []string{cached, system, byFlag, byEnv} {
		touch(t, path)
	}
	t.Setenv(environmentVariable, byEnv)
	find := func(explicit, want string) {
		t.Helper()
		if got, err := Find(explicit); err != nil || got != want {
			t.Errorf("found %s (%v), want %s", got, err, want)
		}
	}
	find(byFlag, byFlag)
	find("", byEnv)
	t.Setenv(environmentVariable, "")
	find("", cached)
	if err := os.Remove(cached); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		find("", system)
	}
	find("libonnxruntime.so.9", "libonnxruntime.so.9")
}

func TestFindSaysHowToGetIt(t *testing.T) {
	_, system := elsewhere(t)
	absent := filepath.Join(t.TempDir(), "absent.so")
	_, err := Find(absent)
	checkError(t, err, ErrLibrary, absent+", named by --ort-lib")
	_, err = Ensure(context.Background(), absent, nil)
	checkError(t, err, ErrLibrary, "make ort")
	t.Setenv(environmentVariable, absent)
	_, err = Find("")
	checkError(t, err, ErrLibrary, absent+", named by $ONNXRUNTIME_LIB")
	_, err = Ensure(context.Background(), "", nil)
	checkError(t, err, ErrLibrary, "pip download onnxruntime")
	t.Setenv(environmentVariable, "")
	if path, err := Find(""); err == nil && path == system {
		t.Errorf("found %s, which does not exist", path)
	} else if err != nil {
		checkError(t, err, ErrLibrary, "--ort-lib")
	}
}

func TestFetchWithoutPipAndNpm(t *testing.T) {
	cached, _ := elsewhere(t)
	t.Setenv("PATH", t.TempDir())
	_, err := Fetch(context.Background(), nil)
	checkError(t, err, ErrLibrary, howToGet)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(cached), "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("a failed download left %v (%v)", left, err)
	}
}

func TestInstallVerifies(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "library")
	sum := sha256.Sum256([]byte("right"))
	want := hex.EncodeToString(sum[:])
	if err := install(strings.NewReader("wrong"), want, filepath.Join(dir, "t"), dst); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("other bytes give the error %v", err)
	}
	if _, err := os.Stat(dst); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("bytes that are not the library's were installed (%v)", err)
	}
	if err := install(strings.NewReader("right"), want, filepath.Join(dir, "t"), dst); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(dst); err != nil || string(b) != "right" {
		t.Errorf("installed %q (%v)", b, err)
	}
}

func TestTarMember(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range []string{"package/a", "package/lib/b"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(name)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := tarMember(bytes.NewReader(b.Bytes()), "package/lib/b")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "package/lib/b" {
		t.Errorf("read %q (%v)", got, err)
	}
	if _, err := tarMember(bytes.NewReader(b.Bytes()), "package/c"); err == nil {
		t.Error("a member that is not there is found")
	}
}

func TestBuilds(t *testing.T) {
	for _, builds := range []map[string]build{wheels, nodePackages} {
		for target, b := range builds {
			if sum, err := hex.DecodeString(b.sha256); err != nil || len(sum) != sha256.Size {
				t.Errorf("%s: SHA-256 %q is malformed", target, b.sha256)
			}
			if b.member == "" {
				t.Errorf("%s: no path in the package", target)
			}
		}
	}
}

func TestInitOnce(t *testing.T) {
	if err := Init(environment.library); err != nil {
		t.Errorf("the same library again: %v", err)
	}
	checkError(t, Init("another.so"), ErrLibrary, "already runs")
	if Version() == "" {
		t.Error("no version after Init")
	}
}
