# What can be done here; `make` alone lists it.

# onnxruntime is reached through cgo: without a C compiler the build must say so, not leave it out.
export CGO_ENABLED = 1

FUZZTIME ?= 30s

MODEL   = testdata/resnet8_digits.onnx
COMPACT = bin/resnet8_digits.compact.onnx

# The packages with a line that matches $(1), as ./path arguments.
packages = $$(grep -rlE --include='*.go' $(1) . | xargs -n 1 dirname | sort -u)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build bin/compress
	go build -trimpath -o bin/compress ./cmd/compress

.PHONY: ort
ort: ## fetch onnxruntime's library into the user's cache
	go run ./cmd/compress ort

.PHONY: demo
demo: build ort ## train a model down to a quarter of its MACs; before, after, and a report
	bin/compress $(MODEL) --data testdata/digits.npz --method dhspg --target-macs 25% --epochs 40 -o $(COMPACT) --force --report bin/demo.html
	@echo report: bin/demo.html

.PHONY: test
test: ort ## run every test
	go test ./...

.PHONY: race
race: ort ## run the packages that start goroutines under the race detector
	go test -race $(call packages,'(^|[^a-z])go func|errgroup\.|sync\.')

.PHONY: conformance
conformance: ort ## run the operator cases of ONNX and of onnx-go
	go test -run Conformance ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (30s)
	@grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | while IFS=: read -r file decl; do \
		echo "== $${decl#func } in $$(dirname $$file)"; \
		go test -run='^$$' -fuzz="^$${decl#func }\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=1s "$$(dirname $$file)" </dev/null || exit 1; \
	done

.PHONY: bench
bench: ort ## run the benchmarks
	go test -run='^$$' -bench=. -benchmem $(call packages,'^func Benchmark')

.PHONY: lint
lint: ## vet, gofumpt, staticcheck; golangci-lint where it is installed
	go vet ./...
	@unformatted=$$(go tool gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	go tool staticcheck ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; fi

.PHONY: fmt
fmt: ## format every Go file
	go tool gofumpt -w .

.PHONY: gen
gen: ## regenerate the generated code
	go generate ./...

.PHONY: coverage
coverage: ort ## write docs/coverage.md: each model of the zoo, pruned and run natively
	go run ./internal/cmd/coverage

.PHONY: results
results: build ort ## write docs/results.md: compressed and trained, in four hours; QUICK=1 in minutes; ONLY=regexp of commands
	go run ./internal/cmd/results $(if $(QUICK),-quick) -only "$(ONLY)"

.PHONY: untrained
untrained: ort ## write docs/untrained.md: accuracy against MACs where nothing is trained
	go run ./internal/cmd/untrained -models "$(MODELS)"

.PHONY: performance
performance: build ort ## write docs/performance.md: speed and memory next to PyTorch; NETS=folder, PYTHON=program
	go run ./internal/cmd/performance -nets "$(NETS)" -python "$(or $(PYTHON),python3)"

.PHONY: clean
clean: ## remove what the build made
	rm -rf bin
