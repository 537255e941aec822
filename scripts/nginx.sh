#!/bin/sh
# Serves "Hello, World!" by one nginx worker on 127.0.0.1:PORT, from its configuration (`return 200`), in the foreground
# until it is told to stop: a rival for scripts/versus.sh.
# usage: scripts/nginx.sh PORT
port=${1:?name a port}
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || { echo "nginx.sh: nginx is not installed: run scripts/setup.sh" >&2; exit 1; }
dir=${TMPDIR:-/tmp}/serverlab-nginx-$port
mkdir -p "$dir" || exit 1
cat >"$dir/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 16384; }
http {
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
	server { listen 127.0.0.1:$port backlog=4096; location / { default_type text/plain; return 200 "Hello, World!"; } }
}
CONF
exec nginx -c "$dir/nginx.conf"
