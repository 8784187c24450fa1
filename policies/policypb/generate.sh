#!/bin/sh
# Generates the Go code of the contracts. Needs protoc (Debian: protobuf-compiler); the two plugins are the pinned ones.
set -eu
cd "$(dirname "$0")"
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
tools=../../conformance/tools/go.mod
for tool in google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc; do
  go build -modfile="$tools" -o "$bin/" "$tool"
done
PATH="$bin:$PATH" protoc --go_out=. --go_opt=paths=source_relative \
  --go-grpc_out=. --go-grpc_opt=paths=source_relative policy.proto host.proto
