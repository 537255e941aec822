#!/usr/bin/env bash
# Compares servers in one interleaved run: each on CPU 0, loaded by `serverlab load` on CPU 1, one after the other, round
# after round. It prints a line per round and rival (requests per second, CPU time of its process tree per request, p99)
# and, in the end, the medians and the medians of the ratios to the first rival, paired by round.
#
# usage: scripts/versus.sh [-n ROUNDS] [-d SECONDS] [-c CONNECTIONS] [-1] [-r RATE] [-p PIPELINED] [-u PATH] NAME=COMMAND …
#   -1            one request per connection (otherwise connections are kept open)
#   -r RATE       so many requests per second, evenly spaced (otherwise each client waits for its answer)
#   -p PIPELINED  so many requests at a time on each connection, by wrk: no p99, CPU of one process
#
# COMMAND runs in a shell; it must stay in the foreground and listen on 127.0.0.1:$PORT:
#   scripts/versus.sh epoll='bin/serverlab serve --arch epoll --addr 127.0.0.1:$PORT' nginx='scripts/nginx.sh $PORT'
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=9 seconds=2 connections=64 keepalive=true rate=0 pipelined=1 path=/
while getopts n:d:c:1r:p:u: flag; do
	case $flag in
	n) rounds=$OPTARG ;;
	d) seconds=$OPTARG ;;
	c) connections=$OPTARG ;;
	1) keepalive=false ;;
	r) rate=$OPTARG ;;
	p) pipelined=$OPTARG ;;
	u) path=$OPTARG ;;
	*) echo "versus: see the head of $0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { echo "versus: name the rivals, NAME=COMMAND; see the head of $0" >&2; exit 2; }
[ -x bin/serverlab ] || { echo "versus: build first: make build" >&2; exit 1; }
for tool in taskset curl $([ "$pipelined" = 1 ] || echo wrk); do
	command -v "$tool" >/dev/null || { echo "versus: $tool is not installed: apt-get install util-linux curl wrk" >&2; exit 1; }
done
ulimit -n "$(ulimit -Hn)"
pace=(--rate "$rate")
[ "$rate" = 0 ] || pace+=(--arrivals constant)
dir=$(mktemp -d) server=
chmod 755 "$dir" # a rival may serve from it as somebody else
export TMPDIR=$dir # what rivals leave behind goes with it
export PORT=${PORT:-18200}
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
cat >"$dir/pipeline.lua" <<'LUA'
function init(args) local r = {} for i = 1, tonumber(args[1]) do r[i] = wrk.format() end pipeline = table.concat(r) end
function request() return pipeline end
LUA

ticks() { awk '{print $14 + $15 + $16 + $17}' "/proc/$server/stat"; } # of 10 ms

# one COMMAND: prints requests per second, µs of CPU per request and p99 in µs
one() {
	setsid taskset -c 0 sh -c "exec $1" >"$dir/out" 2>"$dir/err" &
	server=$!
	local give_up=$((SECONDS + 20))
	until curl -fsS --max-time 2 -o /dev/null "http://127.0.0.1:$PORT$path" 2>/dev/null; do
		kill -0 $server 2>/dev/null || { echo "versus: it did not start: $1: $(cat "$dir/err")" >&2; exit 1; }
		[ $SECONDS -lt $give_up ] || { echo "versus: nobody answers at 127.0.0.1:$PORT, where this is to listen: $1" >&2; exit 1; }
	done
	if [ "$pipelined" = 1 ]; then
		bin/serverlab load --url "http://127.0.0.1:$PORT$path" --cpus 1 --connections "$connections" --warmup 300ms \
			--duration "${seconds}s" --keepalive=$keepalive "${pace[@]}" --server-pid $server --json >"$dir/json"
		awk -F'[:,]' -v s="$seconds" '/^  "requests"/ {n = $2} /^  "server_cpu"/ {c = $2} /^  "p99"/ {q = $2}
			END {printf "%.0f %.2f %s\n", n / s, c / n * 1e6, (q + 0 > 0 ? sprintf("%.0f", q * 1e6) : "n/a")}' "$dir/json"
	else
		before=$(ticks)
		taskset -c 1 wrk -t1 -c"$connections" -d"${seconds}s" -s "$dir/pipeline.lua" "http://127.0.0.1:$PORT$path" -- \
			"$pipelined" >"$dir/wrk"
		awk -v ticks=$(($(ticks) - before)) '/requests in/ {n = $1}
			/^Requests\/sec/ {printf "%.0f %.2f n/a\n", $2, ticks * 1e4 / n}' "$dir/wrk"
	fi
	kill -TERM -- -$server 2>/dev/null || true
	wait $server 2>/dev/null || true
	server=
}

names=() commands=()
for rival in "$@"; do
	[ "${rival%%=*}" != "$rival" ] || { echo "versus: $rival: give NAME=COMMAND" >&2; exit 2; }
	names+=("${rival%%=*}") commands+=("${rival#*=}")
done
echo "round  rival                requests/s   µs CPU   p99 µs"
for round in $(seq "$rounds"); do
	for i in "${!names[@]}"; do
		one "${commands[$i]}" >"$dir/one"
		PORT=$((PORT + 1))
		read -r n cpu p99 <"$dir/one"
		printf '%5d  %-18s %12s %8s %8s\n' "$round" "${names[$i]}" "$n" "$cpu" "$p99" | tee -a "$dir/rounds"
	done
done
# The medians, and the medians of the ratios to the first rival of the same round.
awk -v first="${names[0]}" '
	function median(list, given, v, m, n, i, j, t) { # of what there is, if that is more than half
		m = split(list, given, " ")
		for (i = 1; i <= m; i++) if (given[i] != "n/a") v[++n] = given[i]
		if (2 * n <= m) return "n/a"
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	function ratio(a, b) { return a == "n/a" || b == "n/a" || b == 0 ? "n/a" : sprintf("%.3f", a / b) }
	{ if (!($2 in all)) order[++rivals] = $2
	  all[$2] = 1; n[$1, $2] = $3; cpu[$1, $2] = $4; p99[$1, $2] = $5; rounds = $1 }
	END {
		printf "median of %d rounds %17s %8s %8s   ratio to %s: requests  CPU  p99\n", rounds, "requests/s", "µs CPU", "p99 µs", first
		for (k = 1; k <= rivals; k++) {
			who = order[k]; a = b = c = x = y = z = ""
			for (r = 1; r <= rounds; r++) {
				a = a " " n[r, who]; b = b " " cpu[r, who]; c = c " " p99[r, who]
				x = x " " ratio(n[r, who], n[r, first]); y = y " " ratio(cpu[r, who], cpu[r, first])
				z = z " " ratio(p99[r, who], p99[r, first])
			}
			printf "       %-18s %12s %8s %8s %28s %6s %6s\n", who, median(a), median(b), median(c), median(x), median(y), median(z)
		}
	}' "$dir/rounds"
