#!/bin/sh
# Runs every fuzz target of the product for the time given ("60s"), one after the other.
set -eu
cd "$(dirname "$0")/.."
time=${1:?how long each target runs, such as 60s}
grep -rl --include='*_test.go' '^func Fuzz' . | grep -v '^./conformance/' | sort | while read -r file; do
  package=$(dirname "$file")
  grep -o '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //' | while read -r target; do
    echo "== $package $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5x "$package"
  done
done
