package compress_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// halveEnv makes the test binary halve the model that it names and exit: a
// process of its own, whose time and memory are those of one run.
const halveEnv = "COMPRESS_TEST_HALVE"

func TestMain(m *testing.M) {
	if path := os.Getenv(halveEnv); path != "" {
		if err := halve(path, path+".compact"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// BenchmarkPipeline measures load, analysis, scoring, cut and save at half the
// MACs, the whole of a run but the validation, and the peak of its memory.
func BenchmarkPipeline(b *testing.B) {
	for _, m := range []struct {
		name  string
		model func() *onnx.ModelProto
	}{{"resnet50", resnet50}, {"vgg16", vgg16}} {
		b.Run(m.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "model.onnx")
			write(b, path, m.model())
			peak := int64(0)
			for b.Loop() {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), halveEnv+"="+path)
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					peak = max(peak, u.Maxrss*1024)
				}
			}
			info, err := os.Stat(path)
			fatal(b, err)
			b.ReportMetric(float64(peak)/float64(info.Size()), "peak/file")
		})
	}
}

// BenchmarkAnalysis shows that the dependency graph takes time in proportion
// to the number of nodes.
func BenchmarkAnalysis(b *testing.B) {
	for _, nodes := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "model.onnx")
			write(b, path, deep(nodes))
			for b.Loop() {
				m, err := onnx.Load(path)
				fatal(b, err)
				g, err := graph.Import(m)
				fatal(b, err)
				if d := depgraph.Build(graph.Analyze(g, nil)); len(d.Groups) == 0 {
					b.Fatal("no groups")
				}
			}
			b.ReportMetric(float64(b.Elapsed()/time.Nanosecond)/float64(b.N)/float64(nodes), "ns/node")
		})
	}
}

func halve(path, out string) error {
	m, err := onnx.Load(path)
	if err != nil {
		return err
	}
	defer m.Close()
	g, err := graph.Import(m)
	if err != nil {
		return err
	}
	d := depgraph.Build(graph.Analyze(g, nil))
	s, err := compress.Magnitude(d, 2)
	if err != nil {
		return err
	}
	half := float64(compress.SizeOf(d).MACs) / 2
	c := compress.Choose(d, s, compress.Target{Value: half}, compress.Limits{RoundTo: 8, MinKept: 0.05})
	if !c.Met {
		return fmt.Errorf("%s: target not met", path)
	}
	small, err := compact.Model(d, c.Cut, nil)
	if err != nil {
		return err
	}
	return small.Save(out)
}

func fatal(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func write(b *testing.B, path string, m *onnx.ModelProto) {
	data, err := proto.Marshal(m)
	fatal(b, err)
	fatal(b, os.WriteFile(path, data, 0o600))
}

// net builds a model node by node.
type net struct {
	g   *onnx.GraphProto
	rng *rand.Rand
	n   int
}

func newNet(shape ...int64) *net {
	n := &net{g: &onnx.GraphProto{Name: proto.String("net")}, rng: rand.New(rand.NewPCG(1, 2))}
	n.g.Input = []*onnx.ValueInfoProto{info("x", shape)}
	return n
}

func info(name string, shape []int64) *onnx.ValueInfoProto {
	s := &onnx.TensorShapeProto{}
	for _, d := range shape {
		s.Dim = append(s.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: s},
	}}}
}

func (n *net) weight(shape ...int64) string {
	name := fmt.Sprintf("w%d", len(n.g.Initializer))
	count := int64(1)
	for _, d := range shape {
		count *= d
	}
	v := make([]float32, count)
	for i := range v {
		v[i] = float32(n.rng.NormFloat64()) / float32(math.Sqrt(float64(count)/float64(shape[0])))
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
	n.g.Initializer = append(n.g.Initializer, &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), Dims: shape, RawData: raw})
	return name
}

func (n *net) node(op string, attrs []*onnx.AttributeProto, in ...string) string {
	out := fmt.Sprintf("v%d", n.n)
	n.n++
	n.g.Node = append(n.g.Node, &onnx.NodeProto{Name: proto.String(out), OpType: proto.String(op), Input: in, Output: []string{out}, Attribute: attrs})
	return out
}

func ints(name string, v ...int64) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: proto.String(name), Type: onnx.AttributeProto_INTS.Enum(), Ints: v}
}

func (n *net) conv(x string, in, out, k, stride int64) string {
	p := k / 2
	return n.node("Conv", []*onnx.AttributeProto{ints("kernel_shape", k, k), ints("strides", stride, stride), ints("pads", p, p, p, p)}, x, n.weight(out, in, k, k), n.weight(out))
}

func (n *net) relu(x string) string { return n.node("Relu", nil, x) }

func (n *net) pool(x string) string {
	return n.node("MaxPool", []*onnx.AttributeProto{ints("kernel_shape", 2, 2), ints("strides", 2, 2)}, x)
}

func (n *net) dense(x string, in, out int64) string {
	return n.node("Gemm", []*onnx.AttributeProto{{Name: proto.String("transB"), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(1)}}, x, n.weight(out, in), n.weight(out))
}

func (n *net) model(out string, shape ...int64) *onnx.ModelProto {
	n.g.Output = []*onnx.ValueInfoProto{info(out, shape)}
	return &onnx.ModelProto{IrVersion: proto.Int64(8), Graph: n.g, OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}}}
}

func resnet50() *onnx.ModelProto {
	n := newNet(1, 3, 224, 224)
	x := n.pool(n.relu(n.conv("x", 3, 64, 7, 2)))
	in := int64(64)
	for stage, blocks := range []int{3, 4, 6, 3} {
		width := int64(64) << stage
		for i := range blocks {
			stride := int64(1)
			if i == 0 && stage > 0 {
				stride = 2
			}
			y := n.relu(n.conv(x, in, width, 1, 1))
			y = n.relu(n.conv(y, width, width, 3, stride))
			y = n.conv(y, width, 4*width, 1, 1)
			if i == 0 {
				x = n.conv(x, in, 4*width, 1, stride)
			}
			x, in = n.relu(n.node("Add", nil, x, y)), 4*width
		}
	}
	x = n.node("Flatten", nil, n.node("GlobalAveragePool", nil, x))
	return n.model(n.dense(x, 2048, 1000), 1, 1000)
}

func vgg16() *onnx.ModelProto {
	n := newNet(1, 3, 224, 224)
	x, in := "x", int64(3)
	for stage, convs := range []int{2, 2, 3, 3, 3} {
		width := min(int64(64)<<stage, 512)
		for range convs {
			x, in = n.relu(n.conv(x, in, width, 3, 1)), width
		}
		x = n.pool(x)
	}
	x = n.node("Flatten", nil, x)
	x = n.relu(n.dense(x, 512*7*7, 4096))
	x = n.relu(n.dense(x, 4096, 4096))
	return n.model(n.dense(x, 4096, 1000), 1, 1000)
}

// deep is a chain of residual blocks with the given number of nodes.
func deep(nodes int) *onnx.ModelProto {
	n := newNet(1, 8, 8, 8)
	x := n.conv("x", 8, 8, 1, 1)
	for n.n < nodes {
		x = n.node("Add", nil, x, n.conv(n.relu(n.conv(x, 8, 8, 1, 1)), 8, 8, 1, 1))
	}
	return n.model(n.conv(x, 8, 8, 1, 1), 1, 8, 8, 8)
}
