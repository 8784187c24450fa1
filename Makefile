# Durward's commands. `make demo` runs the whole story on this machine; `make test` proves it.
SHELL := /bin/bash
tool  := go tool -modfile=$(CURDIR)/conformance/tools/go.mod
flags := -race -shuffle=on

.PHONY: demo build test lint tools bench soak

demo: build ## run gateway, identity provider and sample MCP server; CHECK=1 signs in and calls a tool without a person
	./bin/durward demo $(if $(CHECK),--check)

build: ## ./bin/durward
	go build -o bin/durward ./cmd/durward

test: ## every test, on the race detector
	go test $(flags) ./...
	go test ./runtime/internal/config ./runtime/internal/document # large files: the race detector would change what they cost
	cd conformance && go test $(flags) -count=1 -timeout 15m ./... # never from the cache: it does not see the binary
	@cd conformance && go run ./parts/missing # names the parts for want of which tests were skipped

lint: ## formatting, vet, golangci-lint, known vulnerabilities
	@unformatted=$$(git ls-files '*.go' | grep -v '\.pb\.go$$' | xargs gofmt -l); \
	  [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	$(tool) golangci-lint run ./...
	cd conformance && $(tool) golangci-lint run --config ../.golangci.yml ./...
	conformance/tools/vulncheck.sh

tools: ## the linter, which is built from source: minutes, and only once
	$(tool) golangci-lint version

bench: ## benchmarks: read the ratios and the allocations, not the wall time
	go test -run '^$$' -bench . -benchmem ./...

soak: ## what takes longer than `make test` should: more rounds, more load, every fuzz target for a minute
	cd conformance && DURWARD_SOAK=1 go test $(flags) -timeout 60m -count=1 ./...
	conformance/fuzz.sh 60s
