package npy

import (
	"slices"
	"testing"
)

func TestRowMajor(t *testing.T) {
	// [2,3,2] with the first index running fastest.
	in := []byte{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}
	if got := rowMajor(in, []int64{2, 3, 2}, 1); !slices.Equal(got, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) {
		t.Error(got)
	}
}
