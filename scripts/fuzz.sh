#!/bin/sh
# Runs every fuzz target of the module for a while, one after the other, and stops at the first failure.
# Usage: scripts/fuzz.sh TIME REGEXP, for example: scripts/fuzz.sh 30s 'GS1|Link'
set -eu

time=$1
wanted=$2
go=${GO:-go}

targets=$($go list -f '{{$dir := .Dir}}{{range .TestGoFiles}}{{$dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$dir}}/{{.}} {{end}}' ./... |
	xargs -r grep -Ho '^func Fuzz[A-Za-z0-9_]*' | sed 's/:func / /' | awk -v wanted="$wanted" '$2 ~ wanted')
test -n "$targets" || { echo "no fuzz target matches '$wanted'" >&2; exit 1; }

echo "$targets" | while read -r file name; do
	echo "== $name in $(dirname "$file") for $time"
	$go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$(dirname "$file")"
done
