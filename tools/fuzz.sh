#!/usr/bin/env bash
# Runs each fuzz target of the module for the time given (2s by default).
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-2s}
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | grep -v '^./e2e/' | xargs -n1 dirname | sort -u | while read -r dir; do
	sed -nE 's/^func (Fuzz[A-Za-z0-9]+)\(.*/\1/p' "$dir"/*_test.go | sort -u | while read -r target; do
		echo "fuzz $dir $target"
		go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x -parallel 2 >"${TMPDIR:-/tmp}/seaworthy-fuzz.$$" 2>&1 </dev/null || {
			cat "${TMPDIR:-/tmp}/seaworthy-fuzz.$$"
			rm -f "${TMPDIR:-/tmp}/seaworthy-fuzz.$$"
			exit 1
		}
		rm -f "${TMPDIR:-/tmp}/seaworthy-fuzz.$$"
	done
done
