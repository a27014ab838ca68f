#!/bin/sh
# Prints what an idle server holds resident, and fails above the limit. Linux only: it reads /proc.
# Usage: scripts/idle-memory.sh BINARY
set -eu

binary=$1
limit_mb=60
data=$(mktemp -d)
"$binary" serve --data "$data" --listen 127.0.0.1:18473 >"$data/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null && wait $server || true; rm -rf "$data"' EXIT

tries=0
until curl -fsS -o "$data/ready" http://127.0.0.1:18473/readyz 2>/dev/null; do
	tries=$((tries + 1))
	test $tries -lt 100 && kill -0 $server 2>/dev/null || { echo "the server did not get ready:" >&2; cat "$data/log" >&2; exit 1; }
	sleep 0.1
done
sleep 5 # what starting needed has been collected

resident_mb=$(awk '/^VmRSS:/ { print int($2 / 1024 + 0.5) }' /proc/$server/status)
echo "idle server: $resident_mb MB resident (limit: $limit_mb MB)"
test "$resident_mb" -le "$limit_mb"
