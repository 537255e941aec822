#!/usr/bin/env bash
# Compares load generators in one interleaved run: each on CPU 1, one after the other, round after round, against one
# server on CPU 0, with 64 keep-alive connections; `serverlab load` with its checks and all histograms on. It prints a
# line per round and generator (requests per second, CPU time of the generator's whole process per request) and, in the
# end, the medians and the medians of serverlab's ratios to each of the others, paired by round.
#
# usage: scripts/versus-generators.sh [-n ROUNDS] [-d SECONDS] [-s floor|nginx] [GENERATOR …]
#   -s floor   a server in C that neither parses nor checks (scripts/floors): the generators are the limit
#   -s nginx   nginx, `return 200`
#   GENERATOR  of wrk, h2load, bombardier, fortio, hey and vegeta (all that are installed, unless told)
#
# scripts/setup.sh installs wrk, h2load and hey; the others: go install fortio.org/fortio@v1.63.0,
# github.com/codesenberg/bombardier@latest, github.com/tsenart/vegeta/v12@latest.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=9 seconds=2 kind=floor
while getopts n:d:s: flag; do
	case $flag in
	n) rounds=$OPTARG ;;
	d) seconds=$OPTARG ;;
	s) kind=$OPTARG ;;
	*) echo "versus-generators: see the head of $0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
PATH=$PATH:/usr/sbin:${GOBIN:-$HOME/go/bin}
all=(wrk h2load bombardier fortio hey vegeta)
for name in "$@"; do
	[[ " ${all[*]} " == *" $name "* ]] || { echo "versus-generators: $name is none of: ${all[*]}" >&2; exit 2; }
	command -v "$name" >/dev/null || { echo "versus-generators: $name is not installed: see the head of $0" >&2; exit 1; }
done
rivals=()
for name in "${@:-${all[@]}}"; do
	if command -v "$name" >/dev/null; then rivals+=("$name"); else echo "not installed, left out: $name"; fi
done
[ -x bin/serverlab ] || { echo "versus-generators: build first: make build" >&2; exit 1; }
for tool in taskset curl; do
	command -v $tool >/dev/null || { echo "versus-generators: $tool is not installed: run scripts/setup.sh" >&2; exit 1; }
done
dir=$(mktemp -d) server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
port=${PORT:-18080}
url=http://127.0.0.1:$port/
case $kind in
floor)
	cc -O2 -pthread -o "$dir/floor" scripts/floors/floor.c
	taskset -c 0 "$dir/floor" epoll "$port" 2>"$dir/start" &
	;;
nginx) taskset -c 0 scripts/nginx.sh "$port" 2>"$dir/start" & ;;
*) echo "versus-generators: -s $kind: give floor or nginx" >&2; exit 2 ;;
esac
server=$!
until curl -fsS "$url" >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null || { echo "versus-generators: the server did not start: $(cat "$dir/start")" >&2; exit 1; }
done

# one NAME: loads the server; what it prints on its way is in $dir/out
one() {
	case $1 in
	serverlab) bin/serverlab load --url "$url" --cpus 1 --warmup 0s --duration "${seconds}s" \
		--check status=200 --check length=13 --check 'body=Hello, World!' --json ;;
	wrk) wrk -t1 -c64 -d"${seconds}s" "$url" ;;
	h2load) h2load --h1 -t1 -c64 -D "$seconds" "$url" ;;
	bombardier) bombardier -c 64 -d "${seconds}s" -p r -o json "$url" ;;
	fortio) fortio load -quiet -c 64 -qps 0 -t "${seconds}s" -r 0.0001 -json - "$url" ;;
	hey) hey -c 64 -z "${seconds}s" "$url" ;;
	vegeta) echo "GET $url" | vegeta attack -rate 0 -max-workers 64 -duration "${seconds}s" | vegeta report -type json ;;
	esac
}
# answered NAME: how many right answers it says that it got
answered() {
	case $1 in
	serverlab) awk -F'[:,]' '/^  "requests"/ {print $2 + 0}' "$dir/out" ;;
	wrk) awk '/requests in/ {print $1}' "$dir/out" ;;
	h2load) awk '/^requests:/ {print $8}' "$dir/out" ;;
	bombardier) grep -o '"req2xx":[0-9]*' "$dir/out" | cut -d: -f2 ;;
	fortio) awk -F'[:,]' '/"200"/ {print $2 + 0; exit}' "$dir/out" ;;
	hey) awk '/\[200\]/ {print $2}' "$dir/out" ;;
	vegeta) grep -o '"200":[0-9]*' "$dir/out" | cut -d: -f2 ;;
	esac
}
echo "round  generator     requests/s   µs CPU"
TIMEFORMAT='%U %S'
for round in $(seq "$rounds"); do
	for name in serverlab "${rivals[@]}"; do
		cpu=$({ time taskset -c 1 bash -c "$(declare -f one); url=$url seconds=$seconds; one $name" >"$dir/out" 2>"$dir/err"; } 2>&1 |
			awk '{print $1 + $2}')
		n=$(answered "$name")
		[ "${n:-0}" -gt 0 ] || { echo "versus-generators: $name got no answer: $(tail -1 "$dir/err")" >&2; exit 1; }
		awk -v r="$round" -v who="$name" -v n="$n" -v s="$seconds" -v c="$cpu" \
			'BEGIN {printf "%5d  %-12s %11.0f %8.2f\n", r, who, n / s, c / n * 1e6}' | tee -a "$dir/rounds"
	done
done
awk '
	function median(list, v, n, i, j, t) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	{ if (!($2 in all)) order[++who] = $2
	  all[$2] = 1; n[$1, $2] = $3; cpu[$1, $2] = $4; rounds = $1 }
	END {
		printf "median of %-3d      requests/s   µs CPU   serverlab to it: requests  CPU\n", rounds
		for (k = 1; k <= who; k++) {
			a = b = x = y = ""
			for (r = 1; r <= rounds; r++) {
				a = a " " n[r, order[k]]; b = b " " cpu[r, order[k]]
				x = x " " n[r, "serverlab"] / n[r, order[k]]; y = y " " cpu[r, "serverlab"] / cpu[r, order[k]]
			}
			printf "       %-12s %11.0f %8.2f %25.2f %5.2f\n", order[k], median(a), median(b), median(x), median(y)
		}
	}' "$dir/rounds"
