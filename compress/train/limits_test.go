package train

import (
	"errors"
	"slices"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// TestRemovable holds that groups go as far as the limits allow, and that those
// stay which a node that cannot be narrowed takes channels of.
func TestRemovable(t *testing.T) {
	m, err := onnx.Load("../../testdata/resnet8_digits.onnx")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	own, err := Prepare(m, Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNet(own, nil, runtime.TrainOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	family := n.Graph.Families[0].Groups
	some := n.Graph.Families[1].Groups[:2]
	for _, c := range []struct {
		name   string
		limits compress.Limits
		stuck  bool
		want   []int
	}{
		{"one stays", compress.Limits{}, false, append(slices.Clone(family[:len(family)-1]), some...)},
		{"half stay", compress.Limits{MinKept: 0.5}, false, append(slices.Clone(family[:len(family)/2]), some...)},
		{"some must stay", compress.Limits{MinKept: 0.5, Keep: map[int]bool{family[0]: true, some[1]: true}}, false, append(slices.Clone(family[1:1+len(family)/2]), some[0])},
		{"a node stays whole", compress.Limits{}, true, some},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.Limit(c.limits)
			all := append(slices.Clone(family), some...)
			if c.stuck {
				for _, i := range n.Graph.Touches(family[0]) {
					if node := n.Graph.Nodes[i]; !slices.Contains(n.Graph.Touches(some[0]), i) {
						if e := (&compact.NodeError{Node: node, Err: errors.ErrUnsupported}); !n.spare(all, e) || n.spare(nil, e) {
							t.Error("what is spared is not what the node touches")
						}
						break
					}
				}
			}
			got, err := n.Removable(all)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
}
