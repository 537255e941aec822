#!/bin/sh
# Loads every architecture by programs that are not ours, curl and wrk, and fails on the first error that they see.
# An architecture that gives a worker to a connection is loaded with a connection per request as well.
# usage: scripts/smoke.sh [SECONDS]        (5 seconds of wrk each unless told otherwise)
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-5}
for tool in curl wrk; do
	command -v $tool >/dev/null || { echo "smoke: $tool is not installed: apt-get install $tool" >&2; exit 1; }
done
[ -x bin/serverlab ] || { echo "smoke: build first: make build" >&2; exit 1; }
out=$(mktemp) || exit 1
server=
trap 'rm -f "$out" "$out.wrk"; [ -z "$server" ] || kill "$server" 2>/dev/null' EXIT INT TERM
passed=0

# smoke ARCHITECTURE KEEPALIVE
smoke() {
	: >"$out"
	bin/serverlab serve --arch "$1" --keepalive="$2" >"$out" &
	server=$!
	until [ -s "$out" ]; do
		kill -0 $server 2>/dev/null || { echo "smoke: $1 did not start" >&2; exit 1; }
	done
	url=http://$(awk '{print $2}' "$out")/
	[ "$(curl -fsS "$url")" = "Hello, World!" ] || { echo "smoke: $1 gives curl a wrong answer" >&2; exit 1; }
	wrk -t1 -c64 -d"${seconds}s" "$url" >"$out.wrk" || { echo "smoke: wrk failed on $1" >&2; exit 1; }
	if grep -E 'Socket errors|Non-2xx' "$out.wrk"; then
		echo "smoke: $1 --keepalive=$2 gave wrk errors" >&2
		exit 1
	fi
	kill -TERM $server && wait $server
	code=$?
	server=
	[ $code = 0 ] || { echo "smoke: $1 ended with exit code $code" >&2; exit 1; }
	printf '%-11s keepalive=%-5s %10s requests/s, no error\n' "$1" "$2" "$(awk '/^Requests\/sec/ {print int($2)}' "$out.wrk")"
	passed=$((passed + 1))
}

for arch in $(bin/serverlab list --names); do
	smoke "$arch" false
	# With keep-alive the iterative server serves one of the 64 until it leaves; the benchmark shows that.
	[ "$arch" = iterative ] || smoke "$arch" true
done
echo "$passed passed, 0 failed"
