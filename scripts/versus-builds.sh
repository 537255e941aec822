#!/usr/bin/env bash
# Compares builds of `serverlab load`: CPU time of the loading thread per request, 64 keep-alive connections, closed loop,
# every check on, against a server on CPU 0, the load on CPU 1. Each build is held against the first in quartets A B B A of
# four runs of 0.2 s. A quartet counts only where nothing came in between: no run waited for its CPU, the two runs of each
# build took the same CPU time within 6 %, and all four reached the same rate within 25 %. So it finds 1 % even on a
# machine that is not calm, and says how many quartets it had to leave out.
#
# usage: scripts/versus-builds.sh [-n QUARTETS] [-s URL] NAME='PROGRAM …' NAME='PROGRAM …' …
#   -n QUARTETS  to run of each build (else 40)
#   -s URL       of a server that answers "Hello, World!" and runs on CPU 0 (else a floor in C, scripts/floors)
#
#   scripts/versus-builds.sh now=bin/serverlab before=/tmp/before/serverlab
set -euo pipefail
cd "$(dirname "$0")/.."
quartets=40 url=
while getopts n:s: flag; do
	case $flag in
	n) quartets=$OPTARG ;;
	s) url=$OPTARG ;;
	*) echo "versus-builds: see the head of $0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { echo "versus-builds: name two builds and more, NAME=PROGRAM; see the head of $0" >&2; exit 2; }
for rival in "$@"; do
	[[ $rival == ?*=?* ]] || { echo "versus-builds: $rival: give NAME=PROGRAM" >&2; exit 2; }
done
dir=$(mktemp -d) server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
if [ -z "$url" ]; then
	port=${PORT:-18090} url=http://127.0.0.1:${PORT:-18090}/
	cc -O2 -pthread -o "$dir/floor" scripts/floors/floor.c
	taskset -c 0 "$dir/floor" epoll "$port" 2>"$dir/start" &
	server=$!
	until curl -fsS -o /dev/null "$url" 2>/dev/null; do
		kill -0 $server 2>/dev/null || { echo "versus-builds: the server did not start: $(cat "$dir/start")" >&2; exit 1; }
	done
fi

# one PROGRAM: prints µs of CPU per request, requests, and seconds waited for the CPU
one() {
	# shellcheck disable=SC2086 # a program may bring arguments or an environment
	taskset -c 1 $1 load --url "$url" --cpus 1 --warmup 0s --duration 200ms --check status=200 --check length=13 \
		--check 'body=Hello, World!' --json >"$dir/out" 2>"$dir/err" ||
		grep -q 'no answer at all' "$dir/err" || # the server had no CPU: the quartet won't count
		{ echo "versus-builds: $1: $(tail -1 "$dir/err")" >&2; exit 1; }
	awk -F'[:,]' '/^  "requests"/ {n = $2} /^  "cpu"/ {c = $2} /"cpu_wait"/ {w = $2}
		END {printf "%.4f %d %.4f ", n ? c / n * 1e6 : 0, n, n ? w : 1}' "$dir/out"
}
first=${1#*=} name=${1%%=*}
for _ in $(seq "$quartets"); do
	for rival in "${@:2}"; do
		{ printf '%s ' "${rival%%=*}"; one "$first"; one "${rival#*=}"; one "${rival#*=}"; one "$first"; echo; } >>"$dir/quartets"
	done
done
awk -v first="$name" '
	function near(a, b, by) { return a < b * (1 + by) && b < a * (1 + by) }
	function calm(i) {
		for (i = 3; i <= 12; i += 3) if ($(i + 1) > 0.01 || !near($i, $3, 0.25)) return 0
		return near($2, $11, 0.06) && near($5, $8, 0.06)
	}
	function sort(v, n, i, j, t) {
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	}
	{ if (!($1 in all)) order[++rivals] = $1
	  all[$1]++ }
	calm() { n = ++kept[$1]; ratio[$1, n] = ($5 + $8) / ($2 + $11); a[$1, n] = ($2 + $11) / 2; b[$1, n] = ($5 + $8) / 2 }
	END {
		printf "%-14s quartets   CPU to %s: median, quartiles   µs of %s, its own\n", "build", first, first
		for (k = 1; k <= rivals; k++) {
			who = order[k]; n = kept[who]
			for (i = 1; i <= n; i++) { r[i] = ratio[who, i]; x[i] = a[who, i]; y[i] = b[who, i] }
			sort(r, n); sort(x, n); sort(y, n)
			half = int((n + 1) / 2)
			if (n < 4) printf "%-14s %d of %d: too few\n", who, n, all[who]
			else printf "%-14s %d of %d %14.3f %.3f %.3f %12.2f %.2f\n", who, n, all[who], r[half], r[int((n + 3) / 4)],
				r[int((3 * n + 3) / 4)], x[half], y[half]
		}
	}' "$dir/quartets"
