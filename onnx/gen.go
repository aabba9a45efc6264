package onnx

// onnx.proto is the onnx-ml.proto of ONNX 1.23.2, unchanged; the one with the
// ML types, so that ai.onnx.ml models survive too.
//go:generate sh -c "PATH=$(dirname $(go tool -n protoc-gen-go)):$PATH python -m grpc_tools.protoc --proto_path=. --go_out=. --go_opt=paths=source_relative --go_opt=Monnx.proto=onnxcompress/onnx onnx.proto"
