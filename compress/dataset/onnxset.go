package dataset

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// onnxFile matches the inputs of ONNX's test data.
var onnxFile = regexp.MustCompile(`(^|/)input_(\d+)\.pb$`)

// onnx reads folders of test data as ONNX's models come with, test_data_set_N,
// or one of them. A tensor belongs to the input of its name, else to that of its
// number. Several sets are samples in the order of their numbers; one is a
// batch as Options.Whole says. The outputs beside them are not read.
func (o *opener) onnx(p place) (source, bool, error) {
	names, err := p.files(onnxFile.MatchString)
	if err != nil {
		return nil, false, err
	}
	sets := map[string][]string{}
	for _, n := range names {
		if !onnxFile.MatchString(n) {
			return nil, false, fmt.Errorf("%s: want input_N.pb", n)
		}
		sets[path.Dir(n)] = append(sets[path.Dir(n)], n)
	}
	parts := map[string][]*block{}
	for _, dir := range byNumber(sets) {
		for _, n := range sets[dir] {
			name, t, err := o.tensor(p, n)
			if err != nil {
				return nil, false, fmt.Errorf("%s: %w", n, err)
			}
			parts[name] = append(parts[name], &block{Tensor: t})
		}
	}
	data := map[string]*block{}
	for _, in := range o.Inputs {
		if n := len(parts[in.Name]); n != len(sets) {
			return nil, false, fmt.Errorf("%d of %d sets have a tensor for input %s", n, len(sets), in.Name)
		}
		if data[in.Name], err = stackSets(parts[in.Name]); err != nil {
			return nil, false, fmt.Errorf("input %s: %w", in.Name, err)
		}
	}
	if len(sets) == 1 && isWhole(data, false, o.Options) {
		src, err := newWhole(data, o.Options)
		return src, false, err
	}
	src, err := o.labelled(data, nil, "")
	return src, false, err
}

// stackSets joins the tensors of several sets; one alone may be of any rank.
func stackSets(parts []*block) (*block, error) {
	for _, b := range parts {
		if len(parts) > 1 && b.Rank() == 0 {
			return nil, fmt.Errorf("scalars of %d sets count no samples: name one of the sets", len(parts))
		}
	}
	b, err := joined(parts)
	if err != nil {
		return nil, err
	}
	t, err := b.whole()
	return &block{Tensor: t}, err
}

// byNumber sorts folders by the number that their names end with.
func byNumber(sets map[string][]string) []string {
	ends := regexp.MustCompile(`\d+$`)
	number := func(dir string) int {
		n, _ := strconv.Atoi(ends.FindString(dir))
		return n
	}
	var dirs []string
	for dir, files := range sets {
		slices.Sort(files)
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(a, b string) int {
		if d := number(a) - number(b); d != 0 {
			return d
		}
		if a < b {
			return -1
		}
		return 1
	})
	return dirs
}

// tensor reads a file of one tensor, and tells which input it is for.
func (o *opener) tensor(p place, name string) (input string, t *tensor.Tensor, err error) {
	b, err := readFile(p, name)
	if err != nil {
		return "", nil, err
	}
	m := &onnx.TensorProto{}
	if err := proto.Unmarshal(b, m); err != nil {
		return "", nil, fmt.Errorf("is no tensor: %w", err)
	}
	if m.GetDataLocation() == onnx.TensorProto_EXTERNAL || len(m.GetExternalData()) > 0 {
		return "", nil, fmt.Errorf("tensor %q: its data lies in another file", m.GetName())
	}
	data, err := (&onnx.Model{}).Data(m)
	if err != nil {
		return "", nil, err
	}
	t = &tensor.Tensor{DType: tensor.DType(m.GetDataType()), Shape: m.GetDims(), Data: data}
	if slices.ContainsFunc(o.Inputs, func(p Port) bool { return p.Name == m.GetName() }) {
		return m.GetName(), t, nil
	}
	k, _ := strconv.Atoi(onnxFile.FindStringSubmatch(name)[2])
	if k >= len(o.Inputs) {
		return "", nil, fmt.Errorf("the model has no input %d", k)
	}
	return o.Inputs[k].Name, t, nil
}
