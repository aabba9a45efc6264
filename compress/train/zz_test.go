package train_test
import ("testing";"fmt";"onnxcompress/runtime";"onnxcompress/compress";"onnxcompress/compress/optim";"onnxcompress/graph/tensor";"onnxcompress/onnx")
func runm(t *testing.T, m *onnx.Model, n []string, in []*tensor.Tensor) []float64 {
 s,err:=runtime.Open(m,runtime.Options{Threads:2}); if err!=nil {t.Fatal(err)}
 x:=map[string]*tensor.Tensor{}
 for i,k:=range n { x[k]=in[i] }
 o,err:=s.Run(x); if err!=nil {t.Fatal(err)}
 for k,v:=range o { if k!="joined" { return v.AsFloat64s() } }
 return nil
}
func TestZZ(t *testing.T){
 n,in:=readied(t,"/tmp/w/zoo/unet_bilinear_ts.onnx")
n.ZZ()
 names:=n.Trainer().Inputs()
 fmt.Println(outputs(t,n,in)[0][:4], runm(t,n.Full(),names,in)[:4])
 o:=&optim.SGD{LR:1e-6,Momentum:0.9}
 if err:=step(n,o,in);err!=nil{t.Fatal(err)}
 fmt.Println(outputs(t,n,in)[0][:4], runm(t,n.Full(),names,in)[:4])
	target := compress.Target{Measure: compress.MACs, Value: 0.6 * float64(compress.SizeOf(n.Graph).MACs)}
	cut := compress.Choose(n.Graph, compress.Random(n.Graph, 1), target, compress.Limits{MinKept: 0.05, RoundTo: 1}).Cut
	for g := range n.Graph.Groups {
		if cut.Has(g) {
			n.Remove(o.Memories(), g)
		}
	}
 fmt.Println(outputs(t,n,in)[0][:4], runm(t,n.Full(),names,in)[:4])
 if err:=n.Shrink(o,nil);err!=nil{t.Fatal(err)}
 fmt.Println(outputs(t,n,in)[0][:4], runm(t,n.Full(),names,in)[:4], runm(t,n.Model(),names,in)[:4])
}
