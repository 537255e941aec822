#!/usr/bin/env bash
# Compares `serverlab load` with wrk, in turn, against one nginx worker on CPU 0 with the client on CPU 1: 64 keep-alive
# connections, one thread, checks and all histograms of ours on. It prints a line per round and the medians of the
# ratios: above 1 for requests and at most 1 for CPU time, ours is the lighter one.
# usage: scripts/versus-wrk.sh [ROUNDS [SECONDS]]        (9 rounds of 2 seconds unless told otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-9} seconds=${2:-2}
for tool in nginx wrk taskset; do
	PATH=$PATH:/usr/sbin command -v $tool >/dev/null || { echo "versus-wrk: $tool is not installed: run scripts/setup.sh" >&2; exit 1; }
done
[ -x bin/serverlab ] || { echo "versus-wrk: build first: make build" >&2; exit 1; }
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null; rm -rf "$dir"' EXIT
port=${PORT:-18080}
taskset -c 0 scripts/nginx.sh "$port" 2>"$dir/start" &
server=$!
until curl -fsS "http://127.0.0.1:$port/" >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null || { echo "versus-wrk: nginx did not start: $(cat "$dir/start")" >&2; exit 1; }
done

# measure COMMAND ...: sets cpu (seconds of the whole process); its output goes to $dir/out
TIMEFORMAT='%U %S'
measure() {
	cpu=$({ time "$@" >"$dir/out" 2>"$dir/err"; } 2>&1 | awk '{print $1 + $2}')
}
echo "round   wrk req/s  µs CPU   serverlab req/s  µs CPU   requests  CPU"
for round in $(seq "$rounds"); do
	measure taskset -c 1 wrk -t1 -c64 -d"${seconds}s" "http://127.0.0.1:$port/"
	n=$(awk '/requests in/ {print $1}' "$dir/out") a=$(awk '/^Requests\/sec/ {print $2}' "$dir/out")
	x=$(awk "BEGIN {print $cpu / $n * 1e6}")
	measure taskset -c 1 bin/serverlab load --url "http://127.0.0.1:$port/" --cpus 1 --warmup 0s --duration "${seconds}s" \
		--expect-status 200 --expect-length 13 --expect-body 'Hello, World!' --json
	n=$(awk -F'[:,]' '/"requests"/ {print $2 + 0; exit}' "$dir/out")
	! grep -q '"errors"' "$dir/out" || { echo "versus-wrk: serverlab saw errors" >&2; exit 1; }
	awk -v round="$round" -v a="$a" -v x="$x" -v n="$n" -v s="$seconds" -v c="$cpu" 'BEGIN {
		b = n / s; y = c / n * 1e6
		printf "%5d %11.0f %7.2f %17.0f %7.2f %10.3f %5.3f\n", round, a, x, b, y, b / a, y / x }'
done | tee "$dir/rounds"
for column in 6 7; do
	awk -v c=$column '{print $c}' "$dir/rounds" | sort -n | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
done | paste -sd' ' | awk '{printf "median of the ratios: requests %.3f, CPU per request %.3f\n", $1, $2}'
