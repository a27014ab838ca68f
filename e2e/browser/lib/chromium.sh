#!/bin/sh
# Chromium, behind the server by NICE: several people's devices share one machine with it here. As root it would put
# itself before everything else, which it can't without this capability; and where the kernel weighs sessions as wholes
# (sched_autogroup), it is the session that stands behind.
set -eu
set -- "${CHROMIUM:-/usr/bin/chromium}" "$@"
if [ "$(id -u)" = 0 ]; then
	set -- setpriv --bounding-set -sys_nice --inh-caps -sys_nice "$@"
fi
if [ -w /proc/self/autogroup ]; then
	echo "$NICE" >/proc/self/autogroup
fi
exec nice -n "$NICE" "$@"
