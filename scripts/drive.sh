#!/usr/bin/env bash
# Loads servers that are not ours by `serverlab load` and fails on the first error that it sees: nginx, Apache, net/http
# and an answer in chunks, each with connections that are kept and with one per request, in a closed and an open loop,
# every answer checked byte by byte.
# usage: scripts/drive.sh [SECONDS]        (1 second each unless told otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-1}
[ -x bin/serverlab ] || { echo "drive: build first: make build" >&2; exit 1; }
for tool in nginx apache2; do
	PATH=$PATH:/usr/sbin command -v $tool >/dev/null ||
		{ echo "drive: $tool is not installed: run scripts/setup.sh" >&2; exit 1; }
done
dir=$(mktemp -d)
server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; server=; }
trap 'stop; rm -rf "$dir"' EXIT
runs=0

# drive NAME URL
drive() {
	local keep loop rate
	for keep in true false; do
		for loop in closed open; do
			rate=0; [ $loop = closed ] || rate=2000
			bin/serverlab load --url "$2" --connections 32 --warmup 200ms --duration "${seconds}s" --keepalive=$keep \
				--rate $rate --check status=200 --check length=13 --check 'body=Hello, World!' --json >"$dir/load" ||
				{ echo "drive: $1, $loop loop, keep-alive $keep: the load failed" >&2; exit 1; }
			if grep -A9 '"errors": {' "$dir/load" >&2; then
				echo "drive: $1, $loop loop, keep-alive $keep: errors" >&2
				exit 1
			fi
			awk -F'[:,]' -v name="$1" -v loop=$loop -v keep=$keep -v s="$seconds" '/"requests"/ {
				printf "%-12s %-6s loop  keep-alive=%-5s %8.0f requests/s, no error\n", name, loop, keep, $2 / s
				exit }' "$dir/load"
			runs=$((runs + 1))
		done
	done
}

for arch in nginx apache-event nethttp; do
	bin/serverlab serve --arch $arch >"$dir/listening" &
	server=$!
	until [ -s "$dir/listening" ]; do
		kill -0 $server 2>/dev/null || { echo "drive: $arch did not start" >&2; exit 1; }
	done
	drive $arch "http://$(awk '{print $2}' "$dir/listening")/"
	stop
	: >"$dir/listening"
done

# nginx does not know how long a page with server-side includes will be, so it sends it in chunks.
port=${PORT:-18081}
mkdir "$dir/page"
printf 'Hello, World!' >"$dir/page/index.txt"
chmod 755 "$dir" "$dir/page"
cat >"$dir/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 4096; }
http {
	access_log off;
	keepalive_requests 1000000000;
	default_type text/plain;
	ssi on;
	ssi_types text/plain;
	client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u;
	scgi_temp_path $dir/s;
	server { listen 127.0.0.1:$port backlog=4096; root $dir/page; index index.txt; }
}
CONF
PATH=$PATH:/usr/sbin nginx -c "$dir/nginx.conf" 2>"$dir/start" &
server=$!
until curl -fsS "http://127.0.0.1:$port/" >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null || { echo "drive: nginx did not start: $(cat "$dir/start")" >&2; exit 1; }
done
curl -fsSi "http://127.0.0.1:$port/" | grep -qi '^transfer-encoding: chunked' ||
	{ echo "drive: nginx sent no chunks" >&2; exit 1; }
drive chunked "http://127.0.0.1:$port/"
echo "$runs loads, no error"
