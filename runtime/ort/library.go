package ort

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// pinned is the version that Fetch downloads: the wheel and the npm package
// both have it, and the binding starts on it.
const pinned = "1.30.0"

// environmentVariable names a library for every command.
const environmentVariable = "ONNXRUNTIME_LIB"

const howToGet = "get it with `make ort`, or name the libonnxruntime of `pip download onnxruntime` by --ort-lib or $" + environmentVariable

// Find says where onnxruntime's library is: the file named explicitly, the one
// $ONNXRUNTIME_LIB names, the one Fetch left in the user's cache, or one in the
// system's library folders. A library named by hand must be there and is used
// as it is; a bare file name is left to the system's loader. The error wraps
// ErrLibrary and tells how to get the library.
func Find(explicit string) (string, error) {
	if explicit != "" {
		return named(explicit, "--ort-lib")
	}
	if env := os.Getenv(environmentVariable); env != "" {
		return named(env, "$"+environmentVariable)
	}
	if cached, err := cachePath(); err == nil && isFile(cached) {
		return cached, nil
	}
	for _, dir := range systemFolders() {
		for _, name := range systemNames() {
			if path := filepath.Join(dir, name); isFile(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%w is not found; %s", ErrLibrary, howToGet)
}

// Ensure is Find and, where nothing is found and nothing was named by hand,
// Fetch. log, which may be nil, gets a line per download.
func Ensure(ctx context.Context, explicit string, log func(string)) (string, error) {
	path, err := Find(explicit)
	if err == nil || explicit != "" || os.Getenv(environmentVariable) != "" {
		return path, err
	}
	return Fetch(ctx, log)
}

func named(path, by string) (string, error) {
	if strings.ContainsAny(path, `/\`) && !isFile(path) {
		return "", fmt.Errorf("%w: no file %s, named by %s; %s", ErrLibrary, path, by, howToGet)
	}
	return path, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// libraryName is the library's file name without a version.
func libraryName() string {
	switch runtime.GOOS {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so"
}

func cachePath() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w has no cache folder: %w", ErrLibrary, err)
	}
	return filepath.Join(dir, "onnxcompress", "onnxruntime-"+pinned, libraryName()), nil
}

// systemNames are the names an installation gives the library.
func systemNames() []string {
	if runtime.GOOS == "linux" {
		return []string{libraryName(), libraryName() + ".1"}
	}
	return []string{libraryName()}
}

// systemFolders are those the system's loader looks in. Windows has none: the
// onnxruntime.dll of its own system folder is older than the binding takes.
func systemFolders() []string {
	switch runtime.GOOS {
	case "windows":
		return nil
	case "darwin":
		return append(filepath.SplitList(os.Getenv("DYLD_LIBRARY_PATH")), "/opt/homebrew/lib", "/usr/local/lib")
	}
	return append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/lib64", "/usr/lib", "/lib64", "/lib")
}
