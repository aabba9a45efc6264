package onnx

import (
	"bytes"
	"encoding/binary"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// markerSize is the size of what stands for a payload while a model is without
// its payloads. Every payload of at least this size is taken out, so no bytes
// of a tensor can be taken for a marker.
const markerSize = 16

// payloads are the raw bytes of tensors, taken out of a model.
type payloads [][]byte

// take keeps a payload and gives what is to stand in its place.
func (p *payloads) take(b []byte) []byte {
	if len(b) < markerSize {
		return b
	}
	marker := make([]byte, markerSize)
	binary.LittleEndian.PutUint64(marker, uint64(len(*p)))
	*p = append(*p, b)
	return marker
}

// restore gives the payload that a marker stands for.
func (p payloads) restore(b []byte) []byte {
	if len(b) < markerSize {
		return b
	}
	return p[binary.LittleEndian.Uint64(b)]
}

// attach puts the payloads back into a model that has markers.
func (p payloads) attach(m *ModelProto) {
	eachTensor(m.ProtoReflect(), modelRoute(), func(t *TensorProto) {
		if t.RawData != nil {
			t.RawData = p.restore(t.RawData)
		}
	})
}

// decode reads an encoded model of which the payloads stay where they are.
func decode(b []byte) (*ModelProto, error) {
	var taken payloads
	plan, err := newPlan(b, taken.take)
	if err != nil {
		return nil, err
	}
	var reduced bytes.Buffer
	reduced.Grow(plan.size())
	if err := plan.writeTo(&reduced); err != nil {
		return nil, err
	}
	m := &ModelProto{}
	// The model itself counts as a level.
	options := proto.UnmarshalOptions{RecursionLimit: maxDepth + 1}
	if err := options.Unmarshal(reduced.Bytes(), m); err != nil {
		return nil, undecodable(err)
	}
	taken.attach(m)
	return m, nil
}

// A detacher copies a model without its payloads. The copy shares with the
// original every message that holds no tensor, and is not to be changed.
type detacher struct {
	payloads payloads
	// prepare, where set, may change a tensor of the copy, its fields only,
	// before its payload is taken.
	prepare func(t *TensorProto, initializer bool) error
	err     error
}

func (d *detacher) model(m *ModelProto) (*ModelProto, error) {
	out := d.message(m.ProtoReflect(), modelRoute(), false).Interface().(*ModelProto)
	return out, d.err
}

func (d *detacher) message(m protoreflect.Message, r *route, initializer bool) protoreflect.Message {
	out := m.New()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		out.Set(f, d.field(m.Get(f), f, r.into[f.Number()], out))
	}
	out.SetUnknown(m.GetUnknown())
	if t, ok := out.Interface().(*TensorProto); ok {
		d.tensor(t, initializer)
	}
	return out
}

func (d *detacher) field(v protoreflect.Value, f protoreflect.FieldDescriptor, to *route, out protoreflect.Message) protoreflect.Value {
	if to == nil {
		return v
	}
	initializer := f.Name() == "initializer"
	if !f.IsList() {
		return protoreflect.ValueOfMessage(d.message(v.Message(), to, initializer))
	}
	list := out.NewField(f)
	for i := range v.List().Len() {
		list.List().Append(protoreflect.ValueOfMessage(d.message(v.List().Get(i).Message(), to, initializer)))
	}
	return list
}

func (d *detacher) tensor(t *TensorProto, initializer bool) {
	if d.prepare != nil && d.err == nil {
		d.err = d.prepare(t, initializer)
	}
	if t.RawData != nil {
		t.RawData = d.payloads.take(t.RawData)
	}
}
