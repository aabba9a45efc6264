package pipeline

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// TestTold: what metadata said stays, what an earlier run wrote is numbered, and
// what is another's is left alone.
func TestTold(t *testing.T) {
	entries := [][2]string{{"version", "v2"}, {"target", ""}, {"seed", "7"}, {"command", "bad \xff text"}}
	now := []string{"compress.version=v2", "compress.seed=7", "compress.command=bad \uFFFD text"}
	tests := []struct {
		name         string
		before, want []string
	}{
		{"nothing", nil, nil},
		{"others'", []string{"author=me", "compress.mood=good", "compress.0.seed=x", "seed=1"}, []string{"author=me", "compress.mood=good", "compress.0.seed=x", "seed=1"}},
		{"one run before", []string{"compress.version=v1", "author=me", "compress.target=half"}, []string{"compress.1.version=v1", "author=me", "compress.1.target=half"}},
		{"two", []string{"compress.1.seed=1", "compress.seed=2"}, []string{"compress.1.seed=1", "compress.2.seed=2"}},
		{"a gap", []string{"compress.9.seed=1", "compress.seed=2"}, []string{"compress.9.seed=1", "compress.10.seed=2"}},
		{"a number of another's", []string{"compress.9.mood=1", "compress.seed=2"}, []string{"compress.9.mood=1", "compress.1.seed=2"}},
		{"an absurd number", []string{"compress.9223372036854775807.seed=1", "compress.seed=2"}, []string{"compress.9223372036854775807.seed=1", "compress.1.seed=2"}},
		{"twice the same", []string{"a=1", "a=2"}, []string{"a=1", "a=2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var before []*onnx.StringStringEntryProto
			for _, e := range test.before {
				key, value, _ := strings.Cut(e, "=")
				before = append(before, &onnx.StringStringEntryProto{Key: proto.String(key), Value: proto.String(value)})
			}
			var got []string
			for _, e := range told(before, entries) {
				got = append(got, e.GetKey()+"="+e.GetValue())
			}
			if want := append(slices.Clone(test.want), now...); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			for i, e := range test.before {
				if key, _, _ := strings.Cut(e, "="); before[i].GetKey() != key {
					t.Errorf("the model that came was changed: %q", before[i].GetKey())
				}
			}
		})
	}
}
