package tensor

import "math"

// minifloat describes a floating-point type of at most 8 bits by its fields.
type minifloat struct {
	exponent, fraction, bias int
	// infinite says that the highest exponent is kept for infinities and NaN;
	// single that NaN is the pattern of negative zero, and none other.
	infinite, single bool
	// nan is the pattern of NaN, and zero where there is none.
	nan uint8
	// top is the pattern of the largest number.
	top uint8
}

var minifloats = map[DType]*minifloat{
	Float8E4M3FN:   {exponent: 4, fraction: 3, bias: 7, nan: 0x7f, top: 0x7e},
	Float8E4M3FNUZ: {exponent: 4, fraction: 3, bias: 8, single: true, nan: 0x80, top: 0x7f},
	Float8E5M2:     {exponent: 5, fraction: 2, bias: 15, infinite: true, nan: 0x7e, top: 0x7b},
	Float8E5M2FNUZ: {exponent: 5, fraction: 2, bias: 16, single: true, nan: 0x80, top: 0x7f},
	Float4E2M1:     {exponent: 2, fraction: 1, bias: 1, top: 7},
}

// sign is the pattern of the sign bit.
func (f *minifloat) sign() uint8 { return 1 << (f.exponent + f.fraction) }

func (f *minifloat) decode(u uint8) float64 {
	low := u & (f.sign() - 1)
	switch {
	case f.single && u == f.nan, !f.single && f.nan != 0 && low >= f.nan, f.infinite && low > f.top+1:
		return math.NaN()
	case f.infinite && low == f.top+1:
		return math.Copysign(math.Inf(1), -float64(u&f.sign())+0.5)
	}
	exponent, x := int(low>>f.fraction), float64(low&(1<<f.fraction-1))
	if exponent > 0 {
		x += float64(int(1) << f.fraction)
	}
	x = math.Ldexp(x, max(exponent, 1)-f.bias-f.fraction)
	if u&f.sign() != 0 {
		return -x
	}
	return x
}

// encode rounds to the nearest number, ties to even. What is too large becomes
// the largest number under saturate, else infinity or NaN as the type has it; a
// type without either always saturates.
func (f *minifloat) encode(x float64, saturate bool) uint8 {
	sign := uint8(0)
	if math.Signbit(x) {
		sign = f.sign()
	}
	size, over := math.Abs(x), f.overflow(sign)
	switch {
	case math.IsNaN(x) && f.nan == 0:
		return f.sign() // negative zero, as ONNX has it
	case math.IsNaN(x) && f.single:
		return f.nan
	case math.IsNaN(x):
		return sign | f.nan
	case math.IsInf(x, 0) && saturate || f.nan == 0 && size > f.decode(f.top):
		return sign | f.top
	case math.IsInf(x, 0):
		return over
	}
	_, exponent := math.Frexp(size)
	step := max(exponent-1, 1-f.bias) - f.fraction
	size = math.Ldexp(math.RoundToEven(math.Ldexp(size, -step)), step)
	switch {
	case size > f.decode(f.top) && saturate:
		return sign | f.top
	case size > f.decode(f.top):
		return over
	case size == 0 && f.single:
		return 0
	}
	lowest := math.Ldexp(1, 1-f.bias)
	if size < lowest {
		return sign | uint8(math.Ldexp(size, f.bias-1+f.fraction))
	}
	_, exponent = math.Frexp(size)
	scaled := int(math.Ldexp(size, f.fraction-exponent+1)) - 1<<f.fraction
	return sign | uint8((exponent-1+f.bias)<<f.fraction|scaled)
}

// overflow is what stands for numbers that are too large.
func (f *minifloat) overflow(sign uint8) uint8 {
	switch {
	case f.infinite:
		return sign | (f.top + 1)
	case f.single:
		return f.nan
	}
	return sign | f.nan
}

// scaleNaN is NaN in FLOAT8E8M0, which holds powers of two and no sign.
const scaleNaN = 0xff

func decodeScale(u uint8) float64 {
	if u == scaleNaN {
		return math.NaN()
	}
	return math.Ldexp(1, int(u)-127)
}

// Mode says how numbers are rounded that Float8E8M0 does not have.
type Mode string

// The modes, as ONNX spells them: away from zero, towards zero, to the nearest.
const (
	Up      Mode = "up"
	Down    Mode = "down"
	Nearest Mode = "nearest"
)

// encodeScale rounds the absolute value of x to a power of two.
func encodeScale(x float64, saturate bool, mode Mode) uint8 {
	if math.IsNaN(x) {
		return scaleNaN
	}
	if math.IsInf(x, 0) {
		if saturate {
			return scaleNaN - 1
		}
		return scaleNaN
	}
	fraction, exponent := math.Frexp(math.Abs(x))
	exponent += 126
	// The numbers below the lowest power of two are halves and quarters of it.
	if mode == Up && fraction > 0.5 || mode == Nearest && fraction >= 0.75 {
		exponent++
	}
	switch {
	case x == 0 || exponent < 0:
		return 0
	case exponent >= scaleNaN && saturate:
		return scaleNaN - 1
	case exponent >= scaleNaN:
		return scaleNaN
	}
	return uint8(exponent)
}

// Codes gives the bit pattern of each element of a type of at most 8 bits, one
// to a byte; nil for other types. The slice may alias Data.
func (t *Tensor) Codes() []byte {
	bits := t.DType.Bits()
	if bits == 0 || bits > 8 {
		return nil
	}
	if bits == 8 {
		return t.Data
	}
	each := 8 / bits
	codes := make([]byte, t.Len())
	for i := range codes {
		codes[i] = t.Data[i/each] >> (i % each * bits) & (1<<bits - 1)
	}
	return codes
}

// FromCodes is the tensor of a type of at most 8 bits whose elements have the
// given patterns. It may share codes.
func FromCodes(dt DType, shape []int64, codes []byte) *Tensor {
	bits := dt.Bits()
	if bits == 8 {
		return &Tensor{DType: dt, Shape: shape, Data: codes}
	}
	t := New(dt, shape...)
	each := 8 / bits
	for i, c := range codes {
		t.Data[i/each] |= c & (1<<bits - 1) << (i % each * bits)
	}
	return t
}

// signed is the number whose two's complement in that many bits is u.
func signed(u uint8, bits int) int64 { return int64(int8(u<<(8-bits))) >> (8 - bits) }

// smallNumber is the element of a type below 16 bits with pattern u; ok is
// false for other types.
func smallNumber(dt DType, u uint8) (x float64, ok bool) {
	if f := minifloats[dt]; f != nil {
		return f.decode(u), true
	}
	switch dt {
	case Int4, Int2, Int8:
		return float64(signed(u, dt.Bits())), true
	case Uint4, Uint2, Uint8, Bool:
		return float64(u), true
	case Float8E8M0:
		return decodeScale(u), true
	}
	return 0, false
}

// Rounding says how a number is fitted into a type.
type Rounding struct {
	// Wrap makes numbers beyond a float of 8 bits infinite or NaN; they become
	// the largest number otherwise.
	Wrap bool
	// Mode is that of Float8E8M0; empty is Nearest.
	Mode Mode
}

// SetRounded is Set with a choice of rounding.
func (t *Tensor) SetRounded(i int, c float64, r Rounding) bool {
	u := uint8(0)
	switch f := minifloats[t.DType]; {
	case f != nil:
		u = f.encode(c, !r.Wrap)
	case t.DType == Float8E8M0 && r.Mode == "":
		u = encodeScale(c, !r.Wrap, Nearest)
	case t.DType == Float8E8M0:
		u = encodeScale(c, !r.Wrap, r.Mode)
	case t.DType.Bits() > 0 && t.DType.Bits() < 8:
		u = uint8(toInt64(c))
	default:
		return t.Set(i, c)
	}
	t.setCode(i, u)
	return true
}

func (t *Tensor) setCode(i int, u uint8) {
	bits := t.DType.Bits()
	each := 8 / bits
	shift, mask := i%each*bits, uint8(1<<bits-1)
	t.Data[i/each] = t.Data[i/each]&^(mask<<shift) | u&mask<<shift
}
