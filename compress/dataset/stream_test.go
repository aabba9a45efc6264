package dataset

import (
	"archive/zip"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

// zeros writes n zero bytes.
func zeros(t *testing.T, w io.Writer, n int64) {
	t.Helper()
	block := make([]byte, 1<<20)
	for ; n > 0; n -= int64(len(block)) {
		if _, err := w.Write(block[:min(n, int64(len(block)))]); err != nil {
			t.Fatal(err)
		}
	}
}

// sparse makes a file longer, without storing what is added, and puts mark at
// its end.
func sparse(t *testing.T, path string, head []byte, size int64, mark ...byte) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err = f.Write(head); err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.WriteAt(mark, size-int64(len(mark)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// big-endian 1 and little-endian 1 as float32.
var one, oneBE = []byte{0, 0, 0x80, 0x3f}, []byte{0x3f, 0x80, 0, 0}

// TestLargerThanMemory reads from files of some gigabytes, and counts what it
// takes of memory.
func TestLargerThanMemory(t *testing.T) {
	const n, width = 200_000, 4096 // 3.3 GB of floats
	const size = n * width * 4
	dir := t.TempDir()
	head := npyBytes("<f4", []int{n, width}, []float32{})
	npyPath := sparse(t, filepath.Join(dir, "x.npy"), head, size+int64(len(head)), one...)
	idxHead := idxBytes(0x0d, []uint32{n, width}, []float32{})
	idxPath := sparse(t, filepath.Join(dir, "x-images-idx2-ubyte"), idxHead, size+int64(len(idxHead)), oneBE...)

	// An archive of one array that is not packed is its header, the array and
	// the directory.
	var packed struct {
		path string
		sum  int64
	}
	packed.path = filepath.Join(dir, "x.npz")
	f, err := os.Create(packed.path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	const small = 260 << 20
	rows := small / width / 4
	w, err := z.CreateHeader(&zip.FileHeader{Name: "x.npy", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(npyBytes("<f4", []int{rows, width}, []float32{})); err != nil {
		t.Fatal(err)
	}
	zeros(t, w, small-4)
	if _, err := w.Write(one); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	in := port("x", tensor.Float32, -1, width)
	for path, count := range map[string]int{npyPath: n, idxPath: n, packed.path: rows} {
		before := allocated()
		s := open1(t, path, Options{Inputs: in})
		if s.Len() != count {
			t.Fatalf("%s: %d samples", path, s.Len())
		}
		for i := range 8 {
			b, err := s.Read([]int{i * count / 8, count - 1})
			if err != nil {
				t.Fatal(err)
			}
			if v := b.Inputs["x"].Float32s(); v[0] != 0 || v[len(v)-1] != 1 {
				t.Fatalf("%s: the first is %v, the last %v", path, v[0], v[len(v)-1])
			}
		}
		if used := allocated() - before; used > 64<<20 {
			t.Errorf("%s: %d MB allocated", path, used>>20)
		}
	}
}

// allocated is all that was ever allocated: it never shrinks.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestUnpacked holds that what is large once unpacked goes to a temporary file,
// and that this does not outlive the set.
func TestUnpacked(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	path := filepath.Join(t.TempDir(), "x-images-idx2-ubyte.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	const rows, width = 65_600, 4096
	if err := binary.Write(z, binary.BigEndian, []uint32{0x0802, rows, width}); err != nil {
		t.Fatal(err)
	}
	zeros(t, z, rows*width-1)
	if _, err := z.Write([]byte{255}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{Inputs: port("x", tensor.Float32, -1, width)})
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := s.Batch([]int{rows - 1})
	if err != nil || !slices.Equal(in["x"].Float32s()[width-2:], []float32{0, 1}) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v (%v)", left, err)
	}
}
