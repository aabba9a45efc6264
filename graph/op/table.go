package op

import "maps"

// table is every operator this package knows, by name; those outside the
// default domain as "domain.Type". Each family's file holds its own rows.
var table = merge(
	unaryRows,
	binaryRows,
	castRows,
	convRows,
	matmulRows,
	einsumRows,
	normRows,
	attentionRows,
	poolRows,
	regionRows,
	deformRows,
	reduceRows,
	argRows,
	runningRows,
	normalizeRows,
	recurrentRows,
	movementRows,
	shapeRows,
	quantizeRows,
	integerProductRows,
	integerConvRows,
	sequenceRows,
	controlRows,
	textRows,
	signalRows,
	miscRows,
	mlRows,
	trainRows,
	recentRows,
)

func merge(families ...map[string]*Spec) map[string]*Spec {
	all := map[string]*Spec{}
	for _, rows := range families {
		for name := range rows {
			if all[name] != nil {
				panic("op: two rows for " + name)
			}
		}
		maps.Copy(all, rows)
	}
	return all
}
