package obs

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"onnxcompress/compress"
	"onnxcompress/depgraph"
	"onnxcompress/graph/op"
)

// Samples are what scores and fits look at.
type Samples struct {
	// Batches beyond what time and memory allow are not looked at.
	Batches []compress.Inputs
	Seed    int64
	// Progress, if not nil, is told how much is done.
	Progress func(done, total int)
}

const (
	// perSample is how many places of an output are looked at in each sample.
	perSample = 64
	// widest is the widest matrix whose moments are inverted: their number is
	// its square, the work its cube.
	widest = 4608
	// mostElements bounds the rows of one layer that are held.
	mostElements = 1 << 26
)

// Score rates the groups of a graph by the damage that their removal does to the
// products that read them, after compensation and given that what does less
// harm in the same family has gone before. Groups that no product reads come
// last.
func Score(ctx context.Context, g *depgraph.Graph, runner compress.Runner, in Samples) (compress.Scores, error) {
	in = in.bounded(g)
	s := &scorer{finder: newFinder(g), samples: in, families: map[int][]*reader{}, pending: map[int]int{}}
	s.scores = make(compress.Scores, len(g.Groups))
	fallback, err := compress.Magnitude(g, 2)
	if err != nil {
		return nil, err
	}
	for i := range s.scores {
		s.scores[i] = unread + fallback[i]
	}
	if s.algebra, err = newAlgebra(runner); err != nil {
		return nil, err
	}
	err = s.run(ctx, newLane(g, g.Model, runner, in.Batches))
	return s.scores, errors.Join(err, s.algebra.close())
}

// unread is the damage of a group that nothing was measured of: as if the output
// of a layer were lost.
const unread = 1

type scorer struct {
	*finder
	*algebra
	samples Samples
	scores  compress.Scores
	// families holds the readers of families whose last one is yet to come,
	// pending their number.
	families map[int][]*reader
	pending  map[int]int
}

func (s *scorer) run(ctx context.Context, l *lane) error {
	var layers []*layer
	reads := map[*layer]map[int][][]int{}
	for _, y := range s.layers() {
		if y.product.Groups > 1 {
			continue
		}
		if reads[y] = s.columnsOf(y); len(reads[y]) > 0 {
			layers = append(layers, y)
		}
		for f := range reads[y] {
			s.pending[f]++
		}
	}
	for i, y := range layers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.samples.Progress != nil {
			s.samples.Progress(i, len(layers))
		}
		if err := l.advance(y.node.Index); err != nil {
			return err
		}
		if err := s.layer(y, l, reads[y]); err != nil {
			return err
		}
	}
	return nil
}

// columnsOf gives, by family, the columns of a layer that each of its groups
// takes.
func (s *scorer) columnsOf(y *layer) map[int][][]int {
	r := op.In(y.product.Data, y.product.DataAxis)
	if !s.Prunable(y.node, r) {
		return nil
	}
	byGroup := map[int][]int{}
	channels := make([]float64, y.in)
	for i := range channels {
		channels[i] = float64(i)
	}
	s.Spread(y.node, r, channels, func(group int, v float64) {
		for k := range y.area {
			byGroup[group] = append(byGroup[group], int(v)*y.area+k)
		}
	})
	families := map[int][][]int{}
	for group := range byGroup {
		f := s.Groups[group].Families[0]
		if families[f] == nil {
			families[f] = make([][]int, len(s.Families[f].Groups))
		}
	}
	for f, list := range families {
		for i, group := range s.Families[f].Groups {
			list[i] = byGroup[group]
		}
	}
	return families
}

// layer measures one layer and finishes the families that it is the last to
// read.
func (s *scorer) layer(y *layer, l *lane, reads map[int][][]int) error {
	t, err := s.Witness.Tensor(y.weight.Value)
	if err != nil {
		return err
	}
	var second []float64
	if y.columns() <= widest {
		if second, err = s.moments(y, l); err != nil {
			return err
		}
	}
	for _, f := range sortedKeys(reads) {
		if second != nil {
			own := second
			if len(reads) > 1 {
				own = append([]float64(nil), second...)
			}
			if r := newReader(own, y.matrix(t), y.columns(), y.out, reads[f]); r != nil {
				s.families[f] = append(s.families[f], r)
			}
		}
		if s.pending[f]--; s.pending[f] == 0 {
			s.finish(f)
		}
	}
	return nil
}

// moments is the centred second moment of a layer's patches.
func (s *scorer) moments(y *layer, l *lane) ([]float64, error) {
	width := y.columns()
	second, mean, count := make([]float64, width*width), make([]float64, width), 0
	all := sequence(y.in)
	for b, in := range l.live {
		p := newPatches(y, s.Nominal.Nodes[y.node.Index], in, y.places(in, len(l.live)), seedOf(s.samples.Seed, y, b))
		x := p.rows(all)
		if err := s.addGram(second, x, x, len(p.places)); err != nil {
			return nil, err
		}
		sumRows(mean, x)
		count += len(p.places)
	}
	centred(second, mean, mean, max(count, 1))
	return second, nil
}

func (s *scorer) finish(family int) {
	readers := s.families[family]
	delete(s.families, family)
	if len(readers) == 0 {
		return
	}
	groups := s.Families[family].Groups
	_, damages := order(readers, len(groups))
	for i, group := range groups {
		s.scores[group] = damages[i]
	}
}

// places is how many places of a layer's output are looked at in a batch.
func (y *layer) places(in compress.Inputs, batches int) int {
	t := in[y.node.In[y.product.Data].Name]
	most := mostElements / max(y.in*y.area*batches, 1)
	samples := 1
	if t.Rank() > 0 {
		samples = int(t.Shape[0])
	}
	return max(min(perSample*samples, most), 1)
}

func seedOf(seed int64, y *layer, batch int) uint64 {
	return uint64(seed)*0x9e3779b97f4a7c15 + uint64(y.node.Index)<<20 + uint64(batch)
}

func sequence(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func sortedKeys[V any](m map[int]V) []int {
	var list []int
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// eachInParallel calls do for 0 to n-1 on all processors.
func eachInParallel(n int, do func(i int)) {
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	wg.Wait()
}
