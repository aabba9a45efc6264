package op

// movementRows are the operators that move elements and compute nothing.
var movementRows = map[string]*Spec{
	"Reshape":         reshapeSpec(),
	"Flatten":         viewSpec(viewFlatten),
	"Squeeze":         viewSpec(viewSqueeze),
	"Unsqueeze":       viewSpec(viewUnsqueeze),
	"Transpose":       guarded(transposeSpec),
	"Slice":           guarded(sliceSpec),
	"Split":           guarded(splitSpec),
	"Concat":          guarded(concatSpec),
	"Gather":          guarded(gatherSpec),
	"GatherElements":  guarded(gatherElementsSpec),
	"GatherND":        guarded(gatherNDSpec),
	"Scatter":         guarded(scatterElementsSpec),
	"ScatterElements": guarded(scatterElementsSpec),
	"ScatterND":       guarded(scatterNDSpec),
	"Expand":          guarded(expandSpec),
	"Tile":            guarded(tileSpec),
	"Pad":             guarded(padSpec),
	"Resize":          guarded(resizeSpec),
	"Upsample":        guarded(resizeSpec),
	"DepthToSpace":    guarded(depthToSpaceSpec),
	"SpaceToDepth":    guarded(spaceToDepthSpec),
	"ReverseSequence": guarded(reverseSequenceSpec),
	"Compress":        guarded(compressSpec),
	"Trilu":           guarded(triluSpec),
	"Unique":          &uniqueSpec,
	"NonZero":         &nonZeroSpec,
	"OneHot":          guarded(oneHotSpec),
}

// guarded links a node only where its outputs have the shapes that Infer
// gives them: a model may declare others.
func guarded(s Spec) *Spec {
	links := s.Links
	s.Links = func(n *Node, l *Linker) {
		if !fits(s.Infer, n) {
			l.Silence = "is declared with other shapes than it gives"
			return
		}
		links(n, l)
	}
	return &s
}

// strict links a node only where its inputs are there and tell what it gives:
// its links may rely on what Infer has checked.
func strict(s Spec) *Spec {
	links := s.Links
	s.Links = func(n *Node, l *Linker) {
		if len(n.Out) == 0 || n.Out[0] == nil {
			l.Silence = "gives nothing that is used"
			return
		}
		links(n, l)
	}
	return strictMany(s)
}

// strictMany is strict for operators with several outputs, whose links ask for
// each whether it is there.
func strictMany(s Spec) *Spec {
	guard := guarded(s)
	links := guard.Links
	guard.Links = func(n *Node, l *Linker) {
		again := *n
		again.Fresh = func() int64 { return 0 }
		facts, err := s.Infer(&again)
		for o := range n.Out {
			if err != nil || o >= len(facts) || !facts[o].Known {
				l.Silence = "gives shapes that do not follow from its inputs"
				return
			}
		}
		links(n, l)
	}
	return guard
}

// fits compares the outputs of n with what infer finds; sizes that depend on
// data are taken as they are.
func fits(infer func(*Node) ([]Fact, error), n *Node) bool {
	const open = -1
	again := *n
	again.Fresh = func() int64 { return open }
	facts, err := infer(&again)
	if err != nil {
		return false
	}
	for o, fact := range facts[:min(len(facts), len(n.Out))] {
		if !fact.Known || n.Out[o] == nil {
			continue
		}
		if len(fact.Shape) != n.Out[o].Rank() {
			return false
		}
		for axis, d := range fact.Shape {
			if d != open && d != n.Out[o].Shape[axis] {
				return false
			}
		}
	}
	return true
}
