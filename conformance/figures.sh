#!/usr/bin/env bash
# The figures of docs/performance.md, as its tables: what a reload costs, and what requests notice (some minutes, on the
# programs as they are released). With --beside-nginx it also makes two hundred reloads of Durward and of nginx under the
# same callers and streams, which takes half an hour. Ratios are the result: times are the machine's.
set -euo pipefail
cd "$(dirname "$0")"
printf '%s, %s processors, load %s\n' "$(uname -sm)" "$(getconf _NPROCESSORS_ONLN)" "$(cut -d' ' -f1-3 /proc/loadavg)"
go test -run '^$' -bench '^BenchmarkFigures$' -benchtime 1x -timeout 30m ./reload
[ "${1:-}" = --beside-nginx ] || exit 0
DURWARD_SOAK=1 go test -race -count=1 -timeout 60m -v -run '^TestG3_EditsUnderTraffic$' ./reload | grep -E '^ *(\||---|FAIL|ok)'
