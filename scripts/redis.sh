# To be sourced by scripts that need a Redis: start_redis starts one without persistence in $dir, on a port that is free.
# Its process is $redis then, which the caller ends, and its port is $port.
start_redis() {
	redis=''
	until [ -n "$redis" ]; do # until a port is free
		port=$((20000 + RANDOM % 10000))
		redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$dir" >"$dir/redis" &
		redis=$!
		until grep -q 'Ready to accept' "$dir/redis"; do
			kill -0 $redis 2>/dev/null && continue
			grep -q 'in use' "$dir/redis" || { echo "redis-server: $(tail -1 "$dir/redis")" >&2; exit 1; }
			redis=''
			break
		done
	done
}
