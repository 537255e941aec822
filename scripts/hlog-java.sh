#!/bin/sh
# Lets the Java tools of HdrHistogram read what `serverlab load` exports, and compares: the log must hold the tags that
# we say it does, and the quantiles that Java finds in it, mean, standard deviation, maximum and number of values must
# be those of our own percentile text, to the last digit, for response and for service times; so must the p50 and p99
# that Java prints be those of our JSON.
# usage: scripts/hlog-java.sh [SECONDS [RATE]]        (4 seconds at 5,000 requests per second unless told otherwise)
# It needs Debian's default-jre-headless and libhdrhistogram-java (HDR_JAR names another jar).
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-4} rate=${2:-5000} jar=${HDR_JAR:-/usr/share/java/hdrhistogram.jar}
command -v java >/dev/null && [ -r "$jar" ] || {
	echo "hlog-java: Java or $jar is missing: apt-get install default-jre-headless libhdrhistogram-java" >&2
	exit 1
}
[ -x bin/serverlab ] || { echo "hlog-java: build first: make build" >&2; exit 1; }
dir=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
fail() { echo "hlog-java: $*" >&2; exit 1; }

bin/serverlab serve --arch goroutine --keepalive=false >"$dir/address" &
server=$!
until [ -s "$dir/address" ]; do
	kill -0 $server 2>/dev/null || fail "the server did not start"
done
bin/serverlab load --url "http://$(awk '{print $2}' "$dir/address")/" --rate "$rate" --duration "${seconds}s" \
	--keepalive=false --hlog "$dir/a.hlog" --hgrm "$dir/a.hgrm" --json \
	>"$dir/out" || fail "the load failed: $(cat "$dir/out")"
mv "$dir/a.hgrm" "$dir/a.response.hgrm"
kill $server && wait $server
server=

java="java -cp $jar org.HdrHistogram.HistogramLogProcessor -i $dir/a.hlog"
tags=$($java -listtags | tail -n +2 | sort | paste -sd' ')
[ "$tags" = "connect first-byte lag response service" ] || fail "Java finds the tags $tags"
# figures FILE: value and count of each quantile, and the two lines of mean, deviation, maximum and count
figures() { awk '/^#\[M/ {print; next} NF >= 3 && $1 + 0 == $1 {print $1, $3}' "$1"; }
for tag in response service; do
	$java -tag $tag -o "$dir/java" || fail "Java can't read the log"
	figures "$dir/a.$tag.hgrm" >"$dir/ours"
	figures "$dir/java.hgrm" >"$dir/theirs"
	[ -s "$dir/theirs" ] || fail "Java finds no quantile of $tag"
	diff "$dir/ours" "$dir/theirs" || fail "Java finds other quantiles of $tag times (above: < ours, > Java's)"
	echo "$tag: $(grep -c ': I:' "$dir/java") intervals, $(grep -vc '^#' "$dir/theirs") quantiles, all the same"
	grep '^#' "$dir/theirs"
done
# The last line of Java's time line ends in T:COUNT ( p50 p90 p99 ...
$java -tag response -outputValueUnitRatio 1 -o "$dir/java" || fail "Java can't read the log"
theirs=$(awk '/: I:/ {sub(/.*T:[0-9]* *\(/, ""); q = sprintf("%.0f %.0f", $1, $3)} END {print q}' "$dir/java")
ours=$(awk -F'[:,]' '/^  "p50"/ {a = $2} /^  "p99"/ {b = $2} END {printf "%.0f %.0f", a * 1e9, b * 1e9}' "$dir/out")
[ "$theirs" = "$ours" ] || fail "p50 and p99 are $ours ns for us and $theirs ns for Java"
echo "p50 and p99 are $ours ns for both"
