package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"onnxcompress/graph/tensor/npy"
)

// place is what is opened: one file of a tree, or all of it.
type place struct {
	tree
	path string // as Open was given it
	file string // empty for all of the tree
}

// A format is one row of what data sets are kept in.
type format struct {
	name string
	// file tells its files by their paths, where a folder is searched.
	file func(path string) bool
	// magic says that one file of it is told by its first bytes, whatever its
	// name, or not at all.
	magic bool
	// open reads a place. divided says that it names a training and a test part.
	open func(o *opener, p place) (src source, divided bool, err error)
}

// formats are in the order in which they are looked for in a folder.
func formats() []format {
	return []format{
		{"onnx", onnxFile.MatchString, true, (*opener).onnx},
		{"idx", func(p string) bool { return idxName.MatchString(path.Base(p)) }, false, (*opener).idx},
		{"cifar10", func(p string) bool { return cifar10.file.MatchString(path.Base(p)) }, false, (*opener).cifar10},
		{"cifar100", func(p string) bool { return cifar100.file.MatchString(path.Base(p)) }, false, (*opener).cifar100},
		{"parquet", ending(".parquet"), true, (*opener).parquet},
		{"images", func(p string) bool { return isImage(path.Base(p)) }, false, (*opener).images},
		{"npz", ending(".npz", ".npy"), true, (*opener).npz},
		{"jsonl", ending(".jsonl", ".jsonl.gz", ".ndjson"), false, (*opener).jsonl},
		{"csv", ending(".csv", ".csv.gz", ".tsv", ".tsv.gz"), false, (*opener).csv},
	}
}

// Formats are the names that may follow a path, as in PATH:csv, where the
// content does not tell the format: npz also stands for npy.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

func ending(of ...string) func(string) bool {
	return func(p string) bool {
		return slices.ContainsFunc(of, func(e string) bool { return strings.HasSuffix(strings.ToLower(p), e) })
	}
}

// Open reads the data at path, a file, a folder or a zip, in the format that is
// named behind it (PATH:format) or else that it is found to have. A path that
// exists as it stands has no format behind it, and only a format's name is one.
// Images are decoded when a batch asks for them. The caller closes the set.
//
// Labels are class numbers, one-hot or names; what else is there for each sample
// is a target. CheckLabels tells whether classes can be learned from them.
func Open(path string, o Options) (*Set, error) {
	path, wanted, err := cutFormat(path)
	if err != nil {
		return nil, err
	}
	b := &opener{Options: o, bad: &bad{skip: o.SkipBad, at: map[int]bool{}}}
	s, err := b.set(path, wanted)
	if err == nil && o.pairable() && ofBytes(s) {
		s, err = b.enlarged(path, wanted)
	}
	if err != nil {
		_ = b.close() // why nothing was opened is what counts
		return nil, about(path, err)
	}
	if o.NumSamples > 0 && o.NumSamples < s.Len() {
		s, _ = s.divide(o.NumSamples)
	}
	return s, nil
}

// cutFormat divides PATH:format; wanted is nil where no format is named.
func cutFormat(name string) (path string, wanted *format, err error) {
	_, err = os.Stat(name)
	at := strings.LastIndexByte(name, ':')
	if err == nil || at < 0 {
		return name, nil, err
	}
	wanted = formatOf(strings.ToLower(name[at+1:]))
	_, cut := os.Stat(name[:at])
	switch {
	case wanted != nil:
		return name[:at], wanted, cut
	case cut == nil && at > 1:
		return name, nil, fmt.Errorf("%s: format %q is not known; there are %s", name[:at], name[at+1:], strings.Join(Formats(), ", "))
	}
	return name, nil, err
}

func (o *opener) set(path string, wanted *format) (*Set, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p, err := o.place(path)
	if err != nil {
		return nil, err
	}
	if wanted == nil {
		if wanted, err = o.find(p); err != nil {
			return nil, err
		}
	}
	src, divided, err := wanted.open(o, p)
	if err != nil {
		return nil, err
	}
	if src.size() == 0 {
		return nil, errors.New("holds no samples")
	}
	return &Set{
		source: src, seed: o.Seed, divided: divided, index: upTo(src.size()),
		path: path, bad: o.bad, release: o.close,
	}, nil
}

// place finds out what a path names. A zip is a place of files, but an npz is
// one file.
func (o *opener) place(path string) (place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return place{}, err
	}
	if info.IsDir() {
		return place{tree: tree{FS: os.DirFS(path)}, path: path}, nil
	}
	magic, err := firstBytes(path, 2)
	if err != nil {
		return place{}, err
	}
	if magic != "PK" {
		t, name := beside(path)
		return place{t, path, name}, nil
	}
	t, err := o.archive(path)
	return place{tree: t, path: path}, err
}

// firstBytes are the first n bytes of a file, or all of a shorter one.
func firstBytes(path string, n int) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	k, _ := f.ReadAt(b, 0)
	return string(b[:k]), f.Close()
}

// errUnknown is one line for whatever is no data set.
var errUnknown = errors.New("is neither npz, npy, IDX, CIFAR, CSV, JSONL or Parquet, nor a folder or zip of those, of images or of ONNX test data")

// find tells the format of a place by its content.
func (o *opener) find(p place) (*format, error) {
	if p.file != "" {
		return o.findFile(p)
	}
	names, err := sample(p)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.EqualFold(path.Ext(p.path), ".npz"):
		return formatOf("npz"), nil
	case len(names) == 0:
		return nil, errors.New("holds no samples")
	}
	for _, f := range formats() {
		if slices.ContainsFunc(names, f.file) {
			return &f, nil
		}
	}
	// Folders of images may be links, which the search does not follow.
	return formatOf("images"), nil
}

// formatOf is the format of a name, nil where there is none.
func formatOf(name string) *format {
	for _, f := range formats() {
		if f.name == name {
			return &f
		}
	}
	return nil
}

// findFile tells the format of one file, which may have any name where its
// first bytes speak for it.
func (o *opener) findFile(p place) (*format, error) {
	c, err := o.stored(p.tree, p.file)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(npy.Magic))
	n, _ := c.ReadAt(head, 0)
	switch head := string(head[:n]); {
	case strings.HasPrefix(head, npy.Magic):
		return formatOf("npz"), nil
	case strings.HasPrefix(head, "PAR1"):
		return formatOf("parquet"), nil
	case head == "":
		return nil, errUnknown
	}
	if cifarArchive.MatchString(p.file) || strings.HasSuffix(p.file, ".bin") {
		return o.whichCIFAR(p, c.size)
	}
	for _, f := range formats() {
		if f.file(p.file) && !f.magic {
			return &f, nil
		}
	}
	return nil, errUnknown
}

const (
	// maxListed and maxDepth bound the search for what a folder holds.
	maxListed = 4096
	maxDepth  = 5
)

// sample lists files of a tree, as many as tell its format.
func sample(p place) ([]string, error) {
	var names []string
	seen := 0
	err := fs.WalkDir(p, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen++
		base := path.Base(name)
		switch {
		case seen > maxListed:
			return fs.SkipAll
		case name == ".":
		case strings.HasPrefix(base, ".") || base == "__MACOSX":
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && (e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0):
			names = append(names, name)
		case e.IsDir() && strings.Count(name, "/") >= maxDepth:
			return fs.SkipDir
		case e.Type()&fs.ModeSymlink != 0:
		}
		return nil
	})
	return names, err
}

// files lists the files of a format in a place, in the order of their names.
func (p place) files(want func(string) bool) ([]string, error) {
	if p.file != "" {
		return []string{p.file}, nil
	}
	var names []string
	err := fs.WalkDir(p, ".", func(name string, e fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case name != "." && (strings.HasPrefix(base, ".") || base == "__MACOSX"):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && want(name):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// partOfPath is the part that a file belongs to by a word of its path, or -1;
// rank is less for words that come first among those of the part.
func partOfPath(name string) (part Split, rank int) {
	for _, word := range notWord.Split(strings.ToLower(name), -1) {
		if word == "t10k" {
			word = "test"
		}
		for part, names := range partDirs {
			if k := slices.Index(names, word); k >= 0 {
				return part, k
			}
		}
	}
	return -1, 0
}

// pick chooses the files of the part wanted. Files are divided where some are
// named as either part; files that are not are whole in either.
func (o *opener) pick(names []string) (chosen []string, divided bool, err error) {
	if len(names) == 0 {
		return nil, false, errors.New("holds no files of this format")
	}
	parts := map[Split][]string{}
	best := map[Split]int{}
	for _, n := range names {
		part, rank := partOfPath(n)
		if len(parts[part]) == 0 || rank < best[part] {
			parts[part], best[part] = nil, rank
		}
		if rank == best[part] {
			parts[part] = append(parts[part], n)
		}
	}
	switch {
	case len(parts[Train]) > 0 && len(parts[Test]) > 0:
		return parts[o.Split], true, nil
	case len(parts[Train])+len(parts[Test]) > 0:
		return slices.Concat(parts[Train], parts[Test]), false, nil
	}
	return names, false, nil
}

// inside is the path of a file that another file of the tree names, relative to
// that. Nothing outside of the tree is read.
func inside(from, name string) (string, error) {
	p := path.Join(path.Dir(from), filepath.ToSlash(name))
	if path.IsAbs(filepath.ToSlash(name)) || filepath.IsAbs(name) || !fs.ValidPath(p) {
		return "", fmt.Errorf("%s lies outside of the data's folder", name)
	}
	return p, nil
}
