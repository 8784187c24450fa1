#!/bin/sh
# Runs every fuzz target of the product for the time given ("60s"), one after the other.
set -eu
cd "$(dirname "$0")/.."
time=${1:?how long each target runs, such as 60s}
said=$(mktemp)
trap 'rm -f "$said"' EXIT
grep -rl --include='*_test.go' '^func Fuzz' . | grep -v '^./conformance/' | sort | while read -r file; do
  package=$(dirname "$file")
  grep -o '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //' | while read -r target; do
    echo "== $package $target"
    if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5x "$package" >"$said" 2>&1; then
      tail -n 3 "$said"
      continue
    fi
    # When the time is over, Go's fuzzer now and then takes its own deadline for a failure. A real one has an input.
    if grep -q 'Failing input' "$said" || ! grep -q '^ *context deadline exceeded$' "$said"; then
      cat "$said"
      exit 1
    fi
    tail -n 5 "$said"
    echo "no failing input: the fuzzer was told that its time is over"
  done
done
