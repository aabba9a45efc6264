package tensor

import (
	"bytes"
	"math"
	"testing"
)

// TestSmallRoundTrip: every number of a type of at most 8 bits is written as the
// pattern that it was read from.
func TestSmallRoundTrip(t *testing.T) {
	for _, dt := range []DType{
		Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float4E2M1, Float8E8M0, Uint4, Int4, Uint2, Int2, Uint8, Int8,
	} {
		t.Run(dt.String(), func(t *testing.T) {
			codes := make([]byte, 1<<dt.Bits())
			for i := range codes {
				codes[i] = byte(i)
			}
			x := FromCodes(dt, []int64{int64(len(codes))}, codes)
			y := New(dt, x.Shape...)
			for i, v := range x.AsFloat64s() {
				if !y.SetRounded(i, v, Rounding{Wrap: true}) {
					t.Fatalf("cannot write %v", v)
				}
				if a, b := x.Codes()[i], y.Codes()[i]; a != b && !math.IsNaN(v) {
					t.Errorf("%v is read from %#x and written as %#x", v, a, b)
				} else if w := y.AsFloat64s()[i]; math.IsNaN(v) != math.IsNaN(w) {
					t.Errorf("%v is written as %v", v, w)
				}
			}
			if !bytes.Equal(x.Codes(), codes) {
				t.Errorf("patterns %v come back as %v", codes, x.Codes())
			}
		})
	}
}

// TestSmallRounding: ties go to even, and what is too large goes where it is
// asked to.
func TestSmallRounding(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	cases := []struct {
		dt       DType
		in       float64
		rounding Rounding
		want     float64
	}{
		{Float8E4M3FN, 17, Rounding{}, 16},
		{Float8E4M3FN, 19, Rounding{}, 20},
		{Float8E4M3FN, 1e9, Rounding{}, 448},
		{Float8E4M3FN, -1e9, Rounding{Wrap: true}, nan},
		{Float8E4M3FN, 464, Rounding{Wrap: true}, 448},
		{Float8E4M3FNUZ, inf, Rounding{}, 240},
		{Float8E4M3FNUZ, math.Copysign(0, -1), Rounding{}, 0},
		{Float8E5M2, inf, Rounding{}, 57344},
		{Float8E5M2, inf, Rounding{Wrap: true}, inf},
		{Float8E5M2, 1e9, Rounding{Wrap: true}, inf},
		{Float8E5M2, math.Ldexp(1, -17), Rounding{}, 0},
		{Float8E5M2, math.Ldexp(3, -18), Rounding{}, math.Ldexp(1, -16)},
		{Float4E2M1, 2.5, Rounding{}, 2},
		{Float4E2M1, 100, Rounding{Wrap: true}, 6},
		{Float8E8M0, 3, Rounding{}, 4},
		{Float8E8M0, 2.5, Rounding{Mode: Up}, 4},
		{Float8E8M0, 3.9, Rounding{Mode: Down}, 2},
		{Float8E8M0, inf, Rounding{}, math.Ldexp(1, 127)},
		{Float8E8M0, inf, Rounding{Wrap: true}, nan},
		{Int4, 9, Rounding{}, -7},
		{Float32, 1.5, Rounding{Wrap: true}, 1.5},
	}
	for _, c := range cases {
		x := New(c.dt, 1)
		x.SetRounded(0, c.in, c.rounding)
		if got := x.AsFloat64s()[0]; got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%v of %g, %+v, is %g, want %g", c.dt, c.in, c.rounding, got, c.want)
		}
	}
}

// TestKinds: a sequence and an absent optional are no tensors, and a copy of a
// sequence shares nothing.
func TestKinds(t *testing.T) {
	list := List(Undefined, FromInt64s(nil, []int64{7}))
	if list.Kind != ListKind || list.DType != Int64 || list.AsFloat64s() != nil {
		t.Errorf("a list is %+v", list)
	}
	copied := list.Clone()
	copied.Items[0].Int64s()[0] = 8
	if list.Items[0].Int64s()[0] != 7 {
		t.Error("a copy shares elements")
	}
	if empty := List(Float32); empty.Kind != ListKind || empty.DType != Float32 || len(empty.Items) != 0 {
		t.Errorf("an empty list is %+v", empty)
	}
	if Absent().Kind != AbsentKind {
		t.Error("what is absent is there")
	}
}
