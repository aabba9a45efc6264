package onnx

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth is how deep messages may be nested below the model. Deeper than
// this protobuf in C++ refuses to read, and with it onnxruntime.
const maxDepth = 100

// A visitor is told of the parts of an encoded message in their order.
type visitor interface {
	plain(b []byte)            // whole fields without a tensor
	enter(tag []byte)          // the beginning of a message that may hold tensors
	leave()                    // its end
	payload(tag, bytes []byte) // the raw bytes of a tensor
}

type frame struct {
	route *route
	end   int
}

// scan takes an encoded ModelProto apart. It keeps its own stack, bounded by
// maxDepth, and allocates nothing by a number that it reads.
func scan(b []byte, v visitor) error {
	stack := []frame{{modelRoute(), len(b)}}
	for at := 0; ; {
		top := stack[len(stack)-1]
		if at == top.end {
			if stack = stack[:len(stack)-1]; len(stack) == 0 {
				return nil
			}
			v.leave()
			continue
		}
		rest := b[at:top.end]
		number, kind, tag := protowire.ConsumeTag(rest)
		if tag < 0 {
			return damaged(at, tag)
		}
		to := top.route.into[number]
		if kind != protowire.BytesType || to == nil && number != top.route.payload {
			size := protowire.ConsumeFieldValue(number, kind, rest[tag:])
			if size < 0 {
				return damaged(at, size)
			}
			v.plain(rest[:tag+size])
			at += tag + size
			continue
		}
		content, size := protowire.ConsumeBytes(rest[tag:])
		switch {
		case size < 0:
			return damaged(at, size)
		case to == nil:
			v.payload(rest[:tag], content)
			at += tag + size
		case len(stack) > maxDepth:
			return tooDeep(at)
		default:
			v.enter(rest[:tag])
			end := at + tag + size
			stack = append(stack, frame{to, end})
			at = end - len(content)
		}
	}
}

func damaged(at, code int) error {
	err := protowire.ParseError(code)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the field at byte %d runs past its end: truncated, damaged or not ONNX", ErrInvalid, at)
	}
	return fmt.Errorf("%w: the field at byte %d cannot be decoded: damaged or not ONNX", ErrInvalid, at)
}

func tooDeep(at int) error {
	return fmt.Errorf("%w: messages nested deeper than %d levels at byte %d", ErrInvalid, maxDepth, at)
}

// A plan is how an encoded message is to be written with other payloads: their
// bytes and the sizes its messages then have, both in the order of the scan.
type plan struct {
	encoded  []byte
	payloads [][]byte
	sizes    []int // of the model, then of every message entered
}

// newPlan scans an encoded ModelProto and asks replace for each new payload.
func newPlan(encoded []byte, replace func([]byte) []byte) (*plan, error) {
	m := measurer{plan: plan{encoded: encoded, sizes: []int{0}}, open: []int{0}, replace: replace}
	if err := scan(encoded, &m); err != nil {
		return nil, err
	}
	return &m.plan, nil
}

// size is the number of bytes that writeTo writes.
func (p *plan) size() int { return p.sizes[0] }

func (p *plan) writeTo(w io.Writer) error {
	s := splicer{plan: p, w: bufio.NewWriterSize(w, 1<<16)}
	if err := scan(p.encoded, &s); err != nil {
		return err
	}
	return s.w.Flush()
}

// A measurer is the visitor that makes a plan.
type measurer struct {
	plan
	open    []int // the messages it is inside of, as indices of sizes
	replace func([]byte) []byte
}

func (m *measurer) add(n int) { m.sizes[m.open[len(m.open)-1]] += n }

func (m *measurer) plain(b []byte) { m.add(len(b)) }

func (m *measurer) enter(tag []byte) {
	m.add(len(tag))
	m.open = append(m.open, len(m.sizes))
	m.sizes = append(m.sizes, 0)
}

func (m *measurer) leave() {
	size := m.sizes[m.open[len(m.open)-1]]
	m.open = m.open[:len(m.open)-1]
	m.add(protowire.SizeBytes(size))
}

func (m *measurer) payload(tag, bytes []byte) {
	bytes = m.replace(bytes)
	m.payloads = append(m.payloads, bytes)
	m.add(len(tag) + protowire.SizeBytes(len(bytes)))
}

// A splicer is the visitor that carries out a plan. Its writer keeps the first
// error until it is flushed.
type splicer struct {
	*plan
	w        *bufio.Writer
	messages int
	spliced  int
}

func (s *splicer) head(tag []byte, size int) {
	_, _ = s.w.Write(tag)
	_, _ = s.w.Write(protowire.AppendVarint(s.w.AvailableBuffer(), uint64(size)))
}

func (s *splicer) plain(b []byte) { _, _ = s.w.Write(b) }

func (s *splicer) enter(tag []byte) {
	s.messages++
	s.head(tag, s.sizes[s.messages])
}

func (s *splicer) leave() {}

func (s *splicer) payload(tag, _ []byte) {
	bytes := s.payloads[s.spliced]
	s.spliced++
	s.head(tag, len(bytes))
	_, _ = s.w.Write(bytes)
}
