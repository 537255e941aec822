#!/usr/bin/env bash
# Shows how exactly `serverlab load` keeps an open loop's pace: evenly spaced requests from one thread on CPU 1 over 64
# keep-alive connections, against a server in C (scripts/floors) on CPU 0, with and without the short busy wait before a
# request that is due. Sent are those that had been sent when the window closed; lag is how late a request was sent that a
# free connection could have carried.
#
# usage: scripts/pacing.sh [-d SECONDS] [RATE …]        (3 seconds each of 1000, 10000, 20000 and 50000 unless told)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=3
while getopts d: flag; do
	case $flag in
	d) seconds=$OPTARG ;;
	*) echo "pacing: see the head of $0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- 1000 10000 20000 50000
[ -x bin/serverlab ] || { echo "pacing: build first: make build" >&2; exit 1; }
dir=$(mktemp -d) server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
port=${PORT:-18090}
cc -O2 -pthread -o "$dir/floor" scripts/floors/floor.c
taskset -c 0 "$dir/floor" epoll "$port" &
server=$!
until curl -fsS "http://127.0.0.1:$port/" >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null || { echo "pacing: the server did not start" >&2; exit 1; }
done
echo "    rate   spin    sent/s   off by   lag p50    lag p99    lag max   response p50  response p99"
for rate in "$@"; do
	for spin in 50us 0s; do
		bin/serverlab load --url "http://127.0.0.1:$port/" --cpus 1 --rate "$rate" --arrivals constant --spin $spin \
			--warmup 500ms --duration "${seconds}s" --check length=13 >"$dir/out"
		awk -v rate="$rate" -v spin=$spin '
			{gsub("µ", "u")}
			/right answers,/ {gsub(",", ""); n = $1}
			/due and not sent/ {gsub(",", ""); unsent = $1}
			$1 == "p50" {r50 = $2 " " $3; l50 = $6 " " $7}
			$1 == "p99" {r99 = $2 " " $3; l99 = $6 " " $7}
			$1 == "max" {lag = $6 " " $7}
			END {s = (n - unsent) / '"$seconds"'; printf "%8d %6s %9.1f %7.3f%% %9s %10s %10s %14s %13s\n", rate, spin, s,
				100 * (s / rate - 1), l50, l99, lag, r50, r99}' "$dir/out"
	done
done
