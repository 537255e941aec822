#!/bin/sh
# Sweeps GOMAXPROCS for one architecture, in turn: the server on CPU 0, the client on CPU 1, 64 clients. For each value
# it prints requests per second and the server's CPU time per request, on open connections, with a connection per
# request at a fixed rate, and with requests that wait 5 ms.
# usage: scripts/sweep-gomaxprocs.sh ARCHITECTURE [ROUNDS [VALUE …]]        (3 rounds of 1 2 4 16 64 80)
set -u
cd "$(dirname "$0")/.." || exit 1
arch=${1:?name an architecture: see bin/serverlab list}
rounds=${2:-3}
[ $# -ge 2 ] && shift 2 || shift $#
[ $# -gt 0 ] || set -- 1 2 4 16 64 80
command -v taskset >/dev/null || { echo "sweep: taskset is not installed: apt-get install util-linux" >&2; exit 1; }
[ -x bin/serverlab ] || { echo "sweep: build first: make build" >&2; exit 1; }
out=$(mktemp) || exit 1
server=
trap 'rm -f "$out" "$out.json"; [ -z "$server" ] || kill "$server" 2>/dev/null' EXIT INT TERM
ticks() { awk '{print $14 + $15}' "/proc/$server/stat"; } # of 10 ms

# one GOMAXPROCS KEEPALIVE PATH [LOAD FLAGS]
one() {
	: >"$out"
	taskset -c 0 bin/serverlab serve --arch "$arch" --gomaxprocs "$1" --keepalive="$2" >"$out" &
	server=$!
	until [ -s "$out" ]; do
		kill -0 $server 2>/dev/null || { echo "sweep: the server did not start" >&2; exit 1; }
	done
	keepalive=$2 url=http://$(awk '{print $2}' "$out")$3
	shift 3
	before=$(ticks)
	bin/serverlab load --url "$url" --cpus 1 --keepalive="$keepalive" --warmup 0s --duration 2s --json "$@" >"$out.json"
	used=$(($(ticks) - before))
	kill $server && wait $server
	server=
	awk -F'[:,]' -v ticks=$used '/"requests"/ {printf "  %7.0f/s %6.1f µs", $2 / 2, ticks * 1e4 / $2; exit}' "$out.json"
}
echo "GOMAXPROCS    open connections    one each, 5,000/s     waits 5 ms"
for _ in $(seq "$rounds"); do
	for procs in "$@"; do
		printf '%10s' "$procs"
		if [ "$arch" = iterative ]; then printf '  %20s' 'n/a'; else one "$procs" true /; fi
		one "$procs" false / --rate 5000 --arrivals constant
		one "$procs" false '/?wait=5ms'
		echo
	done
done
