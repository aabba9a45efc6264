package onnx

import (
	"maps"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A route tells where, inside a message of one type, tensors are to be found.
type route struct {
	payload protowire.Number            // the field of a tensor's raw bytes, 0 in other messages
	into    map[protowire.Number]*route // the fields whose messages hold tensors
	holds   bool
}

// modelRoute is the route of a ModelProto. It is read off the descriptors, so
// that no place where a tensor may stand can be forgotten.
var modelRoute = sync.OnceValue(func() *route {
	all := map[protoreflect.FullName]*route{}
	root := addRoute(all, (*ModelProto)(nil).ProtoReflect().Descriptor())
	for changed := true; changed; {
		changed = false
		for _, r := range all {
			if !r.holds && r.leads() {
				r.holds, changed = true, true
			}
		}
	}
	for _, r := range all {
		maps.DeleteFunc(r.into, func(_ protowire.Number, to *route) bool { return !to.holds })
	}
	return root
})

func addRoute(all map[protoreflect.FullName]*route, d protoreflect.MessageDescriptor) *route {
	if r := all[d.FullName()]; r != nil {
		return r
	}
	r := &route{into: map[protowire.Number]*route{}}
	all[d.FullName()] = r
	if d.FullName() == (*TensorProto)(nil).ProtoReflect().Descriptor().FullName() {
		r.payload, r.holds = d.Fields().ByName("raw_data").Number(), true
	}
	for i := range d.Fields().Len() {
		if f := d.Fields().Get(i); f.Message() != nil {
			r.into[f.Number()] = addRoute(all, f.Message())
		}
	}
	return r
}

func (r *route) leads() bool {
	for _, to := range r.into {
		if to.holds {
			return true
		}
	}
	return false
}

// eachTensor visits every tensor of a message, in the order of the fields.
func eachTensor(m protoreflect.Message, r *route, visit func(*TensorProto)) {
	if t, ok := m.Interface().(*TensorProto); ok {
		visit(t)
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		to := r.into[f.Number()]
		switch {
		case to == nil || !m.Has(f):
		case f.IsList():
			list := m.Get(f).List()
			for j := range list.Len() {
				eachTensor(list.Get(j).Message(), to, visit)
			}
		default:
			eachTensor(m.Get(f).Message(), to, visit)
		}
	}
}
