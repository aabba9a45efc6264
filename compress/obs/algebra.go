package obs

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"onnxcompress/compress"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// algebra multiplies tall matrices where models run: the sums over samples are
// most of the work.
type algebra struct {
	gram, apply compress.Session
}

func newAlgebra(runner compress.Runner) (*algebra, error) {
	a := &algebra{}
	var err error
	if a.gram, err = runner.Open(product("Gemm", 1)); err != nil {
		return nil, err
	}
	if a.apply, err = runner.Open(product("Gemm", 0)); err != nil {
		_ = a.gram.Close()
		return nil, err
	}
	return a, nil
}

func (a *algebra) close() error { return errors.Join(a.gram.Close(), a.apply.Close()) }

// product is a model of one matrix product, its left side transposed or not.
func product(operator string, transposed int64) []byte {
	matrix := func(name string) *onnx.ValueInfoProto {
		p := port(name, tensor.Float32)
		p.Type.GetTensorType().Shape = &onnx.TensorShapeProto{Dim: []*onnx.TensorShapeProto_Dimension{{}, {}}}
		return p
	}
	m := &onnx.ModelProto{
		IrVersion: proto.Int64(8), OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(13)}},
		Graph: &onnx.GraphProto{
			Name: proto.String("product"), Input: []*onnx.ValueInfoProto{matrix("a"), matrix("b")}, Output: []*onnx.ValueInfoProto{matrix("c")},
			Node: []*onnx.NodeProto{{
				OpType: &operator, Input: []string{"a", "b"}, Output: []string{"c"},
				Attribute: []*onnx.AttributeProto{{Name: proto.String("transA"), Type: onnx.AttributeProto_INT.Enum(), I: &transposed}},
			}},
		},
	}
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

func multiply(s compress.Session, a, b []float32, rowsA, rowsB int) ([]float32, error) {
	side := func(v []float32, rows int) *tensor.Tensor {
		return tensor.FromFloat32s([]int64{int64(rows), int64(len(v) / rows)}, v)
	}
	out, err := s.Run(compress.Inputs{"a": side(a, rowsA), "b": side(b, rowsB)})
	if err != nil {
		return nil, err
	}
	return out["c"].Float32s(), nil
}

// addGram adds aᵀb of two matrices of rows rows to sum.
func (a *algebra) addGram(sum []float64, x, y []float32, rows int) error {
	if rows == 0 {
		return nil
	}
	c, err := multiply(a.gram, x, y, rows, rows)
	if err != nil {
		return err
	}
	for i, v := range c {
		sum[i] += float64(v)
	}
	return nil
}

// sumRows adds the sum over the rows of a matrix to sum.
func sumRows(sum []float64, x []float32) {
	for i := 0; i < len(x); i += len(sum) {
		for j, v := range x[i : i+len(sum)] {
			sum[j] += float64(v)
		}
	}
}

// centred turns sums over count rows x and y into the mean of both and E[xy] -
// E[x]E[y].
func centred(sum, sumX, sumY []float64, count int) {
	for i := range sumX {
		for j := range sumY {
			at := i*len(sumY) + j
			sum[at] = sum[at]/float64(count) - sumX[i]/float64(count)*sumY[j]/float64(count)
		}
	}
}

// damping is the share of the mean variance of the inputs that is added to
// each: what keeps the fit from following noise.
const damping = 1e-2

// damp adds the damping to the diagonal and returns how much it is.
func damp(second []float64, n int) float64 {
	trace := 0.0
	for i := range n {
		trace += second[i*n+i]
	}
	lambda := damping*trace/float64(max(n, 1)) + 1e-12
	for i := range n {
		second[i*n+i] += lambda
	}
	return lambda
}

// factorise finds the Cholesky factor of a damped second moment.
func factorise(second []float64, n int) (*mat.Cholesky, bool) {
	var c mat.Cholesky
	ok := c.Factorize(mat.NewSymDense(n, second))
	return &c, ok
}

// inverse is the whole inverse of a factorised matrix.
func inverse(c *mat.Cholesky, n int) ([]float64, error) {
	s := mat.NewSymDense(n, nil)
	if err := c.InverseTo(s); err != nil {
		var bad mat.Condition
		if !errors.As(err, &bad) {
			return nil, err
		}
	}
	v := s.RawSymmetric().Data
	for i := range n {
		for j := range i {
			v[i*n+j] = v[j*n+i]
		}
	}
	return v, nil
}

// subtract is c -= aᵀb for row-major a (k by m) and b (k by n).
func subtract(c, a, b []float64, k, m, n int) {
	general := func(v []float64, rows, columns int) blas64.General {
		return blas64.General{Rows: rows, Cols: columns, Stride: columns, Data: v}
	}
	blas64.Gemm(blas.Trans, blas.NoTrans, -1, general(a, k, m), general(b, k, n), 1, general(c, m, n))
}
