package onnx

// onnx.proto is the onnx-ml.proto of ONNX 1.23.2, unchanged; the one with the
// ML types, so that ai.onnx.ml models survive too. Its messages are registered
// under a package name of this module's own: a process holds each name only once,
// and another reader of ONNX may be linked into the same program. Files do not
// carry the name.
//go:generate sh -c "sed 's/^package onnx;/package onnxcompress;/' onnx.proto >onnxcompress.proto"
//go:generate sh -c "PATH=$(dirname $(go tool -n protoc-gen-go)):$PATH python -m grpc_tools.protoc --proto_path=. --go_out=. --go_opt=paths=source_relative --go_opt=Monnxcompress.proto=onnxcompress/onnx onnxcompress.proto"
//go:generate sh -c "rm onnxcompress.proto && mv onnxcompress.pb.go onnx.pb.go"
