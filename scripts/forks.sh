#!/usr/bin/env bash
# Has `process --spawn fork` serve so many requests, each by a process that is forked for it, under the load of 64
# clients who check every answer: all that the server may remember of its clients and where, connections that are kept
# and a connection per request, handlers that allocate, sleep and read files, in turn. It prints for each case the
# server's own count of forks, the answers that were wrong or did not come, the children that hung and the spawners that
# had to be replaced, and fails if one of the last three is not zero.
#
# usage: scripts/forks.sh [REQUESTS [CASES]]
# That is 1,000,000 requests, over all cases, unless told otherwise: CASES is a pattern of their names, such as 'soft*'.
# A Redis without persistence is started for it, on a port that is free; without redis-server it is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/redis.sh
requests=${1:-1000000} pattern=${2:-*}
[ -x bin/serverlab ] || { echo "forks: build first: make build" >&2; exit 1; }
dir=$(mktemp -d) redis='' server='' failed=0 all=0
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
	rm -rf "$dir"' EXIT
# NAME|of serve|of load: the flags; memory is each child's own, so that only sessions that begin can be asked for
cases=(
	'greeting|--state=stateless|/'
	'sleeps|--state=stateless|/?wait=2ms'
	'blocks|--state=stateless|/?block=2ms'
	'computes|--state=stateless|/?spin=100'
	'reads|--state=stateless|/read?file=f03&offset=4096&count=65536'
	'stateless|--state=stateless|--session=stateless --read=65536'
	'soft|--state=soft|--session=soft --read=65536'
	'memory|--state=stateful --store=memory --max-sessions=1000|/open?file=f03'
	'shm|--state=stateful --store=shm|--session=stateful --read=65536'
)
if command -v redis-server >/dev/null; then
	start_redis
	cases+=("redis|--state=stateful --store=redis://127.0.0.1:$port|--session=stateful --read=65536")
else
	echo "redis-server is not installed: left out"
fi
todo=()
for case in "${cases[@]}"; do
	for keep in true false; do
		name=${case%%|*}-$([ $keep = true ] && echo kept || echo each)
		# shellcheck disable=SC2053 # a pattern
		[[ $name != $pattern ]] || todo+=("$name|$keep|${case#*|}")
	done
done
[ ${#todo[@]} -gt 0 ] || { echo "forks: no case is named $pattern" >&2; exit 2; }
each=$(((requests + ${#todo[@]} - 1) / ${#todo[@]}))

# The counters are in slot 0 of the scoreboard, whose layout is in internal/scoreboard.
count() { od -An -t u8 -j $((4096 + 8 * $1)) -N 8 "$dir/board" | tr -d ' '; }
forks=7 stuck=8 respawns=9
failures() {
	awk '/^  "errors"/ {on = 1} on && /^  }/ {on = 0} on && /: [0-9]/ || /"lost":/ {n += $2} END {print n + 0}' "$dir/json"
}
field() { awk -F'[:,]' -v name="\"$1\"" '$1 ~ name {print $2 + 0; exit}' "$dir/json"; }

printf '%-16s %10s %10s %7s %7s %9s\n' case forks answers wrong hung spawners
for case in "${todo[@]}"; do
	IFS='|' read -r name keep serving loading <<<"$case"
	mkfifo "$dir/hold"
	# shellcheck disable=SC2086 # words
	bin/serverlab serve --arch process --spawn fork $serving --keepalive=$keep --stats "$dir/board" --until-eof \
		<"$dir/hold" >"$dir/address" 2>"$dir/said" &
	server=$!
	exec 9>"$dir/hold"
	until grep -q listening "$dir/address"; do
		kill -0 $server 2>/dev/null || { echo "forks: the server did not start: $(tail -1 "$dir/said")" >&2; exit 1; }
	done
	url=http://$(cut -d' ' -f2 "$dir/address")
	answers=0 wrong=0
	while [ "$(count $forks)" -lt "$each" ]; do
		case $loading in
		/open*) what=(--url "$url$loading" --method POST --check 'regexp=^opened f03') ;;
		/read*) what=(--url "$url$loading" --check file) ;;
		/*) what=(--url "$url$loading" --check 'body=Hello, World!') ;;
		*) read -ra words <<<"$loading" && what=(--url "$url/" "${words[@]}" --clients 64) ;;
		esac
		bin/serverlab load "${what[@]}" --connections 64 --keepalive=$keep --duration 10s --warmup 1ms --timeout 60s \
			--json >"$dir/json" 2>"$dir/err" || true
		got=$(field requests)
		wrong=$((wrong + $(failures)))
		answers=$((answers + ${got:-0}))
		if [ "${got:-0}" = 0 ]; then
			echo "forks: $name: no answers: $(tail -1 "$dir/err")" >&2
			wrong=$((wrong + 1))
			break
		fi
	done
	exec 9>&-
	wait $server || { echo "forks: $name: the server failed: $(tail -1 "$dir/said")" >&2 && failed=1; }
	server=''
	printf '%-16s %10d %10d %7d %7d %9d\n' "$name" "$(count $forks)" $answers $wrong "$(count $stuck)" \
		"$(count $respawns)"
	all=$((all + $(count $forks)))
	[ $((wrong + $(count $stuck) + $(count $respawns))) = 0 ] || { failed=1 && tail -n 3 "$dir/said" "$dir/err" >&2; }
	rm "$dir/hold"
done
echo "$all forks in all"
exit $failed
