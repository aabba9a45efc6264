package train
import ("fmt")
func (n *Net) ZZ(){
 for _,l:=range n.layers { if !n.trained[l.name] { fmt.Println("untrained", l.name, l.axis, l.shape) } }
 for _,w:=range n.Graph.Weights { fmt.Println(w.Value.Name, w.Node.Label(), w.Slot, n.Graph.Witness.Values[w.Value.ID].Shape, len(w.Leaves)) }
}
