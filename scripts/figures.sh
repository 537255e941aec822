#!/usr/bin/env bash
# Compares each architecture with its rival: floors of ours in C, fasthttp's own server, nginx. Every comparison is one
# interleaved run of scripts/versus.sh, which prints the medians and the ratios to the rival.
# usage: scripts/figures.sh [ROUNDS [SECONDS]]        (9 rounds of 1 second unless told otherwise: about 6 minutes)
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-9} seconds=${2:-1}
[ -x bin/serverlab ] || { echo "figures: build first: make build" >&2; exit 1; }
command -v cc >/dev/null || { echo "figures: no C compiler: apt-get install gcc libc6-dev" >&2; exit 1; }
cc -O2 -pthread -o bin/floor scripts/floors/floor.c
CGO_ENABLED=0 ${GO:-go} build -o bin/floor-fasthttp ./scripts/floors/fasthttp
plain='fasthttp=bin/floor-fasthttp $PORT'
ours() { echo "$1=bin/serverlab serve --addr 127.0.0.1:\$PORT --arch ${2:-$1} ${3:-}"; }
floor() { echo "c-$1=bin/floor $1 \$PORT"; }
nginx='nginx=scripts/nginx.sh $PORT'
compare() { # TITLE FLAGS… RIVALS…, the first of which the others are compared with
	echo "$1"
	shift
	scripts/versus.sh -n "$rounds" -d "$seconds" "$@" | grep -v -e '^round' -e '^ *[0-9][0-9]* ' || true
	echo
}
compare "open connections: event loops and goroutines against fasthttp's own server" \
	"$plain" "$(ours fasthttp-time-outs fasthttp)" "$(ours eventloop)" "$(ours epoll)" "$(ours goroutine)"
compare "open connections: event loops against nginx (return 200)" "$nginx" "$(ours eventloop)" "$(ours epoll)" \
	"$(ours iouring)"
compare "open connections: threads against C's" "$(floor thread)" "$(ours thread)" "$(ours threadpool)"
compare "open connections: pools of processes against C's" "$(floor prefork)" "$(ours prefork)" \
	"$(ours prefork-pass prefork '--accept pass')" "$(ours prefork-reuseport prefork '--accept reuseport')"
compare "open connections: pools of processes against Apache's" "$(ours apache-prefork)" "$(ours prefork)"
compare "open connections: stages against a pool of threads, and against a loop" "$(ours threadpool)" "$(ours amped)" \
	"$(ours staged)" "$(ours staged-4 staged '--workers 4 --queue 60')"
compare "a connection per request: a process for each, forked in C and here, or a program" -1 "$(floor fork)" \
	"$(ours process-fork process '--spawn fork')" "$(ours process-exec process)"
compare "a connection per request: one at a time against C" -1 "$(floor iterative)" "$(ours iterative)"
compare "16 requests at a time on each connection" -p 16 "$plain" "$(ours eventloop)" "$(ours epoll)" "$(ours goroutine)"
