#!/bin/sh
# Makes sure that what the tests and benchmarks use is on this machine, and installs through apt what is missing.
# Usage: scripts/need.sh NAME..., where a name is one of those in has() below. Running it again changes nothing.
set -eu

has() {
	case $1 in
	cc) command -v cc >/dev/null && echo '#include <stdlib.h>' | cc -E - >/dev/null 2>&1 ;;
	mosquitto) command -v mosquitto >/dev/null || test -x /usr/sbin/mosquitto ;;
	ffmpeg) command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null ;;
	chromium) command -v chromium >/dev/null ;;
	node) command -v node >/dev/null && command -v npm >/dev/null ;;
	curl) command -v curl >/dev/null ;;
	chasquid) command -v chasquid >/dev/null && command -v chasquid-util >/dev/null ;;
	sqlite3.h) echo '#include <sqlite3.h>' | cc -E - >/dev/null 2>&1 ;;
	*) echo "need.sh: it is not known what provides $1" >&2 && exit 2 ;;
	esac
}

packages() {
	case $1 in
	cc) echo gcc libc6-dev ;; # the race detector needs cgo
	mosquitto) echo mosquitto ;; # the independent broker of the witness tests
	ffmpeg) echo ffmpeg ;; # the independent camera of the tests, and what checks films
	chromium) echo chromium ;; # plays films and live pictures as viewers do
	chasquid) echo chasquid ;; # the independent mail server of the notifications' tests
	node) echo nodejs npm ;; # drives the browser through the three apps
	curl) echo curl ;; # asks whether the server is ready
	sqlite3.h) echo libsqlite3-dev ;; # the bare C loop of the benchmarks
	esac
}

missing=
for name in "$@"; do
	has "$name" || missing="$missing $(packages "$name")"
done
test -n "$missing" || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "Missing on this machine (names of the Debian packages):$missing" >&2
	echo "Nothing was installed: that takes root and apt. Install them, then run this again." >&2
	exit 1
fi

echo "Installing:$missing"
apt-get -qq update
# A policy of 101 keeps the package from starting a broker of its own: the tests start theirs.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod +x /usr/sbin/policy-rc.d
fi
# shellcheck disable=SC2086 # the list is meant to be split into words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
for name in "$@"; do
	has "$name" || { echo "Still missing after the installation: $name" >&2; exit 1; }
done
