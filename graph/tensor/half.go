package tensor

import "math"

// HalfToFloat32 widens an IEEE 754 binary16 number; exact.
func HalfToFloat32(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case exp == 0:
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(f))
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// Float32ToHalf rounds to the nearest binary16 number, ties to even; what is
// too large becomes infinity.
func Float32ToHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign, exp, frac := uint16(b>>16)&0x8000, int(b>>23&255)-112, b&0x7fffff
	switch {
	case b&0x7fffffff > 0x7f800000:
		return sign | 0x7e00
	case exp >= 31:
		return sign | 0x7c00
	case exp <= 0:
		if exp < -10 {
			return sign
		}
		frac |= 0x800000
		shift := uint(14 - exp)
		return sign + uint16(roundShift(frac, shift))
	}
	return sign + uint16(roundShift(uint32(exp)<<23|frac, 13))
}

func roundShift(v uint32, shift uint) uint32 {
	q, rest, half := v>>shift, v&(1<<shift-1), uint32(1)<<(shift-1)
	if rest > half || rest == half && q&1 == 1 {
		q++
	}
	return q
}
