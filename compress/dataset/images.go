package dataset

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"path"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// images decodes pictures when they are asked for.
type images struct {
	pictures
	judge truth
	port  Port
	view  view
	encoder
}

// pictures are encoded images.
type pictures interface {
	size() int
	// name is what messages call one.
	name(i int) string
	bytes(i int) ([]byte, error)
}

// imageFiles are the files of a folder or of a zip.
type imageFiles struct {
	tree  fs.FS
	files []string
}

var imageExt = []string{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif"}

var partDirs = map[Split][]string{
	Train: {"train", "training"},
	Test:  {"test", "testing", "val", "valid", "validation"},
}

// images lists the images of a folder or zip, or is one of a single file.
func (o *opener) images(p place) (source, bool, error) {
	s, err := o.decoder(nil)
	if err != nil {
		return nil, false, err
	}
	files := &imageFiles{tree: p.tree, files: []string{p.file}}
	s.pictures = files
	if p.file != "" {
		return s, false, nil
	}
	files.files = nil
	divided, err := s.find(files, o.Split)
	return s, divided, err
}

// decoder is a source of pictures for the only input.
func (o *opener) decoder(from pictures) (*images, error) {
	if len(o.Inputs) > 1 {
		return nil, fmt.Errorf("images feed one input, the model has %s", describe(o.Inputs))
	}
	s := &images{pictures: from, port: o.Inputs[0]}
	var ok bool
	var err error
	switch s.view, ok, err = o.view(s.port); {
	case !ok:
		return nil, fmt.Errorf("input %v takes no images: want [N,C,H,W] or [N,H,W,C] of 1 or 3 channels", s.port)
	case err != nil:
		return nil, err
	}
	s.encoder, err = newEncoder(s.port, o.Options, s.view.frame, 255)
	return s, err
}

// find lists the images of a part. Its sub-folders are classes, numbered in the
// order of their names over all parts; without any it is unlabelled.
func (s *images) find(in *imageFiles, part Split) (divided bool, err error) {
	root, err := unwrap(in.tree)
	if err != nil {
		return false, err
	}
	all, _, err := readDir(in.tree, root)
	if err != nil {
		return false, err
	}
	parts, dir := []string{root}, root
	if divided = isDivided(all); divided {
		parts = parts[:0]
		for _, d := range all {
			if partOf(d) >= 0 {
				parts = append(parts, path.Join(root, d))
			}
		}
		if dir, err = pickPart(root, all, part); err != nil {
			return divided, err
		}
	}
	var classes []string
	for _, p := range parts {
		subs, _, err := readDir(in.tree, p)
		if err != nil {
			return divided, err
		}
		classes = append(classes, subs...)
	}
	slices.Sort(classes)
	return divided, s.collect(in, dir, slices.Compact(classes))
}

func (s *images) collect(in *imageFiles, dir string, classes []string) error {
	subs, files, err := readDir(in.tree, dir)
	if err != nil {
		return err
	}
	if len(subs) == 0 {
		for _, f := range files {
			in.files = append(in.files, path.Join(dir, f))
		}
		s.judge, err = labelFile(in, dir)
		return err
	}
	s.judge = truth{from: "its folders", label: []int64{}, classes: len(classes)}
	for _, d := range subs {
		class, _ := slices.BinarySearch(classes, d)
		err := fs.WalkDir(in.tree, path.Join(dir, d), func(name string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && isImage(e.Name()) {
				in.files = append(in.files, name)
				s.judge.label = append(s.judge.label, int64(class))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *imageFiles) size() int                   { return len(f.files) }
func (f *imageFiles) name(i int) string           { return f.files[i] }
func (f *imageFiles) bytes(i int) ([]byte, error) { return readFile(f.tree, f.files[i]) }

func (s *images) truth() *truth { return &s.judge }

// decode is a picture, or an undecodable one.
func (s *images) decode(i int) (image.Image, error) {
	data, err := s.bytes(i)
	var img image.Image
	if err == nil {
		img, err = decodeImage(data)
	}
	if err != nil {
		return nil, &undecodable{i, s.name(i), err}
	}
	return img, nil
}

func (s *images) check(i int) error {
	_, err := s.decode(i)
	return err
}

func (s *images) batch(idx []int, _ moment) (Batch, error) {
	return gathered(s.feeders(), &s.judge, idx)
}

func (s *images) feeders() []feeder     { return []feeder{s} }
func (s *images) input() Port           { return s.port }
func (s *images) rawType() tensor.DType { return tensor.Uint8 }
func (s *images) dear() bool            { return true }
func (s *images) shape(f frame) []int64 { return f.shape() }

func (s *images) raw(i int, sc *scratch) ([]byte, frame, error) {
	img, err := s.decode(i)
	if err != nil {
		return nil, frame{}, err
	}
	var f frame
	if sc.moved, f, err = s.view.append(sc.moved[:0], rasterOf(img)); err != nil {
		return nil, f, fmt.Errorf("%s: input %v: %w", s.name(i), s.port, err)
	}
	return sc.moved, f, nil
}

func (s *images) encode(dst, raw []byte) ([]byte, error) { return s.appendBytes(dst, raw) }

func isImage(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(imageExt, strings.ToLower(path.Ext(name)))
}

// readDir lists the sub-folders and the images of a folder by name, following
// links and leaving out what is hidden.
func readDir(tree fs.FS, dir string) (subs, files []string, err error) {
	entries, err := fs.ReadDir(tree, dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || name == "__MACOSX" {
			continue
		}
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := fs.Stat(tree, path.Join(dir, name))
			if err != nil {
				return nil, nil, err
			}
			isDir = info.IsDir()
		}
		switch {
		case isDir:
			subs = append(subs, name)
		case isImage(name):
			files = append(files, name)
		}
	}
	return subs, files, nil
}

// unwrap goes down to the folder that holds the parts or the classes: a lone
// folder that itself holds folders only wraps them.
func unwrap(tree fs.FS) (string, error) {
	dir := "."
	for {
		subs, files, err := readDir(tree, dir)
		if err != nil {
			return "", err
		}
		if len(subs) != 1 || len(files) > 0 || partOf(subs[0]) >= 0 {
			return dir, nil
		}
		next := path.Join(dir, subs[0])
		inner, _, err := readDir(tree, next)
		if err != nil || len(inner) == 0 {
			return dir, err
		}
		dir = next
	}
}

// partOf is the part a folder's name means, or -1.
func partOf(name string) Split {
	for part, names := range partDirs {
		if slices.Contains(names, strings.ToLower(name)) {
			return part
		}
	}
	return -1
}

// isDivided reports whether folders are parts rather than classes: all are
// named as parts, or both parts are among them.
func isDivided(dirs []string) bool {
	count := map[Split]int{}
	for _, d := range dirs {
		count[partOf(d)]++
	}
	return count[Train] > 0 && count[Test] > 0 || len(dirs) > 0 && count[-1] == 0
}

func pickPart(root string, dirs []string, part Split) (string, error) {
	for _, name := range partDirs[part] {
		for _, d := range dirs {
			if strings.EqualFold(d, name) {
				return path.Join(root, d), nil
			}
		}
	}
	return "", errors.New("has no folder of " + part.String() + " images, only " + list(dirs))
}
