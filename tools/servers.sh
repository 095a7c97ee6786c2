#!/usr/bin/env bash
# Builds the servers that take minutes, at pinned versions, into .cache/servers.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOBIN="$PWD/.cache/servers"
[ -x "$GOBIN/registry" ] || {
	echo "servers: building distribution v3.1.2" >&2
	go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2
}
