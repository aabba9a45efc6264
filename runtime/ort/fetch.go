package ort

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// maxLibrary bounds what is unpacked: the pinned libraries are below 50 MB.
const maxLibrary = 1 << 28

// build is one published library: where it lies in its package and what it is.
type build struct {
	platform string // the wheel's platform tag; empty for npm
	member   string // path in the package
	sha256   string
}

// wheels and nodePackages are the builds of the pinned version by GOOS/GOARCH.
var (
	wheels = map[string]build{
		"linux/amd64":   {"manylinux_2_28_x86_64", "onnxruntime/capi/libonnxruntime.so." + pinned, "c902c70b3003c0e99fada202f37478c515ae9bba7944c2b2abd0017bae0c82ed"},
		"linux/arm64":   {"manylinux_2_28_aarch64", "onnxruntime/capi/libonnxruntime.so." + pinned, "8a218e1e446880131115c368ec7005969a5022af9a15a26173de648fef0b7789"},
		"darwin/arm64":  {"macosx_14_0_arm64", "onnxruntime/capi/libonnxruntime." + pinned + ".dylib", "8f54aa3989f2d4b2f9fbe8af298b1c147978ec899a8c28e20d0d35edc0005027"},
		"windows/amd64": {"win_amd64", "onnxruntime/capi/onnxruntime.dll", "44741724166ad61c8c82885e394793807f2cf5707c83b9e33c2d78d75c6e7650"},
		"windows/arm64": {"win_arm64", "onnxruntime/capi/onnxruntime.dll", "ddeec3d8a99b9261fa4db558bba0f62d52a8577a7a2dc566bbf2b0d7ebfc90a0"},
	}
	// Windows' build in the npm package needs other libraries beside it.
	nodePackages = map[string]build{
		"linux/amd64":  {"", "package/bin/napi-v6/linux/x64/libonnxruntime.so.1", "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23"},
		"linux/arm64":  {"", "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1", "1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76"},
		"darwin/arm64": {"", "package/bin/napi-v6/darwin/arm64/libonnxruntime." + pinned + ".dylib", "685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d"},
	}
)

// opener downloads a build's package to a folder and opens the library in it.
type opener func(ctx context.Context, b build, dir string, log func(string)) (io.ReadCloser, error)

// Fetch downloads the pinned onnxruntime with pip or, where that fails, npm,
// and puts its library in the user's cache once its SHA-256 is the known one.
// log, which may be nil, gets a line per download. The error wraps ErrLibrary.
func Fetch(ctx context.Context, log func(string)) (string, error) {
	dst, err := cachePath()
	if err != nil {
		return "", err
	}
	if log == nil {
		log = func(string) {}
	}
	target := runtime.GOOS + "/" + runtime.GOARCH
	var failures []string
	for _, try := range []struct {
		builds map[string]build
		open   opener
	}{{wheels, fromWheel}, {nodePackages, fromNodePackage}} {
		b, ok := try.builds[target]
		if !ok {
			continue
		}
		if err := fetch(ctx, b, dst, log, try.open); err != nil {
			failures = append(failures, oneLine(err))
			continue
		}
		return dst, nil
	}
	if failures == nil {
		failures = []string{"no build of version " + pinned + " is known for " + target}
	}
	return "", fmt.Errorf("%w cannot be fetched: %s; %s", ErrLibrary, strings.Join(failures, "; "), howToGet)
}

func fetch(ctx context.Context, b build, dst string, log func(string), open opener) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	// Beside the cache, so that the library is renamed and never copied.
	dir, err := os.MkdirTemp(filepath.Dir(dst), "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := open(ctx, b, dir, log)
	if err != nil {
		return err
	}
	defer r.Close()
	return install(r, b.sha256, filepath.Join(dir, libraryName()), dst)
}

// install writes r to temporary and renames it to dst if its SHA-256 is sum.
func install(r io.Reader, sum, temporary, dst string) error {
	f, err := os.Create(temporary)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, maxLibrary+1))
	if synced := f.Sync(); err == nil {
		err = synced
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if n > maxLibrary {
		return fmt.Errorf("the library is larger than %d bytes", maxLibrary)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("the library's SHA-256 is %s, not %s", got, sum)
	}
	return os.Rename(temporary, dst)
}

// fromWheel opens the library in the wheel that pip downloads to dir.
func fromWheel(ctx context.Context, b build, dir string, log func(string)) (io.ReadCloser, error) {
	log("downloading onnxruntime " + pinned + " with pip")
	args := []string{
		"download", "--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input",
		"--platform", b.platform, "--python-version", "311", "--implementation", "cp",
		"--dest", dir, "onnxruntime==" + pinned,
	}
	if err := firstThatRuns(ctx, dir, args, []string{"python3", "-m", "pip"}, []string{"python", "-m", "pip"}, []string{"pip3"}, []string{"pip"}); err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	wheel, err := single(filepath.Join(dir, "*.whl"))
	if err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(wheel), err)
	}
	m, err := z.Open(b.member)
	if err != nil {
		z.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Base(wheel), err)
	}
	return member{m, []io.Closer{m, z}}, nil
}

// fromNodePackage opens the library in the tarball that npm packs to dir.
func fromNodePackage(ctx context.Context, b build, dir string, log func(string)) (io.ReadCloser, error) {
	log("downloading onnxruntime-node " + pinned + " with npm")
	args := []string{"pack", "--silent", "--pack-destination", dir, "onnxruntime-node@" + pinned}
	if err := firstThatRuns(ctx, dir, args, []string{"npm"}); err != nil {
		return nil, fmt.Errorf("npm: %w", err)
	}
	name, err := single(filepath.Join(dir, "*.tgz"))
	if err != nil {
		return nil, fmt.Errorf("npm: %w", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := tarMember(f, b.member)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return member{r, []io.Closer{f}}, nil
}

func tarMember(r io.Reader, name string) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("no %s", name)
		}
		if err != nil {
			return nil, err
		}
		if path.Clean(h.Name) == name && h.Typeflag == tar.TypeReg {
			return t, nil
		}
	}
}

// member reads one file of an archive and closes what it was opened from.
type member struct {
	io.Reader
	closers []io.Closer
}

func (m member) Close() error {
	var errs []error
	for _, c := range m.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// firstThatRuns runs args under each command until one succeeds; its error is
// that of the last one installed.
func firstThatRuns(ctx context.Context, dir string, args []string, commands ...[]string) error {
	err := errors.New("not installed")
	for _, c := range commands {
		if _, missing := exec.LookPath(c[0]); missing != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, c[0], append(c[1:len(c):len(c)], args...)...)
		cmd.Dir = dir
		out, failed := cmd.CombinedOutput()
		if failed == nil {
			return nil
		}
		err = fmt.Errorf("%w: %s", failed, lastLine(out))
	}
	return err
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func single(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("left %d files %s", len(found), filepath.Base(pattern))
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}
