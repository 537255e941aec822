#!/usr/bin/env bash
# Has 64 clients read files from every architecture, in every variant of state and from every store: on 16 connections,
# for some seconds each, every byte checked against its place. It prints a line per case and fails if one answer was wrong
# or one session lost.
#
# usage: scripts/sessions.sh [-d SECONDS] [ARCHITECTURE …]      (10 seconds: twelve minutes for all)
# A Redis without persistence is started for it, on a port that is free; without redis-server it is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/redis.sh
seconds=10
while getopts d: flag; do
	case $flag in
	d) seconds=$OPTARG ;;
	*) echo "sessions: see the head of $0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ -x bin/serverlab ] || { echo "sessions: build first: make build" >&2; exit 1; }
rows=("$@")
[ $# -gt 0 ] || rows=(iterative eventloop epoll amped threadpool thread goroutine process prefork symped iouring staged)
dir=$(mktemp -d) redis='' failed=0
trap '[ -z "$redis" ] || kill "$redis" 2>/dev/null || true; rm -rf "$dir"' EXIT
kinds=(stateless soft 'soft --forget=50ms' 'stateful --store=memory' 'stateful --store=shm')
if command -v redis-server >/dev/null; then
	start_redis
	kinds+=("stateful --store=redis://127.0.0.1:$port")
else
	echo "redis-server is not installed: left out"
fi
for row in "${rows[@]}"; do
	keep=true
	[ "$row" != iterative ] || keep=false # it serves one connection at a time
	for kind in "${kinds[@]}"; do
		case $row/$kind in process/*=memory | prefork/*=memory | symped/*=memory) continue ;; esac # each process has its own
		mkfifo "$dir/hold"
		# shellcheck disable=SC2086 # words
		bin/serverlab serve --arch "$row" --state $kind --keepalive=$keep --until-eof <"$dir/hold" >"$dir/address" &
		server=$!
		exec 9>"$dir/hold"
		until grep -q listening "$dir/address"; do kill -0 $server 2>/dev/null || exit 1; done
		result=ok
		bin/serverlab load --url "http://$(cut -d' ' -f2 "$dir/address")/" --session "${kind%% *}" --clients 64 --connections 16 \
			--keepalive=$keep --read 65536 --duration "${seconds}s" --json >"$dir/json" 2>"$dir/err" || result=failed
		grep -q '"errors"' "$dir/json" && result=wrong
		grep -q '"lost": 0' "$dir/json" || result=lost
		[ $result = ok ] || failed=1
		printf '%-11s %-46s %-6s %9d answers\n' "$row" "${kind/--store=/}" $result \
			"$(awk -F'[:,]' '/^  "requests"/ {print $2 + 0}' "$dir/json")"
		exec 9>&-
		wait $server
		rm "$dir/hold"
	done
done
exit $failed
