#!/bin/sh
# Says in one line what is wrong with the Go of this machine, before a compiler says it in many.
set -u
need=$(awk '$1 == "go" {print $2; exit}' go.mod)
if ! command -v "${GO:-go}" >/dev/null 2>&1; then
	echo "serverlab: Go is not installed: install Go $need or newer (https://go.dev/dl), or take a release, which needs none" >&2
	exit 1
fi
have=$("${GO:-go}" env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
oldest=$(printf '%s\n%s\n' "$need" "$have" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
if [ "$oldest" != "$need" ]; then
	echo "serverlab: Go $have is too old: install Go $need or newer (https://go.dev/dl), or set GOTOOLCHAIN=auto" >&2
	exit 1
fi
