#!/bin/sh
# Installs what serverlab can use beside itself, from Debian's packages: nginx and Apache httpd, which it measures as
# references, Redis, which can keep the sessions of its servers, wrk, which checks its load generator, and curl and
# taskset, which its scripts need. Nothing of it is needed to build serverlab or to measure its own servers.
#
# No server is started, now or when the machine starts. It may be run again: what is there is left as it is.
set -eu
say() { echo "setup: $*"; }
if ! command -v apt-get >/dev/null 2>&1; then
	say "this is no Debian: install nginx, Apache httpd, Redis, wrk, curl and util-linux by other means"
	exit 1
fi
missing=
for package in nginx-light apache2 redis-server wrk curl util-linux; do
	# Any nginx will do for nginx-light.
	[ $package = nginx-light ] && [ -x "$(command -v nginx || echo /usr/sbin/nginx)" ] && continue
	dpkg-query -W -f '${Status}' $package 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
	say "everything is installed: nginx, apache2, redis-server, wrk, curl, util-linux"
	exit 0
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || { say "run it as root: it installs$missing"; exit 1; }
	sudo=sudo
fi
say "installing$missing"
# Debian starts a service when its package is installed, unless this program says no (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d made=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	made=yes
fi
trap '[ -z "$made" ] || $sudo rm -f $policy' EXIT
trap 'exit 130' INT TERM
$sudo apt-get update
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
for service in nginx apache2 redis-server; do
	case $missing in *$service*) ;; *) continue ;; esac
	if [ -d /run/systemd/system ]; then
		$sudo systemctl disable "$service" || say "$service may start with the machine: could not disable it"
	elif command -v update-rc.d >/dev/null 2>&1; then
		$sudo update-rc.d "$service" disable || say "$service may start with the machine: could not disable it"
	fi
done
say "installed$missing; none of the servers runs, nor will it start with the machine"
