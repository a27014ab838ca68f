#!/bin/sh
# Installs what e2e/browser needs, exactly as its package-lock.json says, unless it is there already.
set -eu
cd "$(dirname "$0")/../e2e/browser"

# npm writes this file last, so it says what is there in full.
if [ node_modules/.package-lock.json -nt package-lock.json ]; then
	exit 0
fi
if ! said=$(npm ci --ignore-scripts --no-audit --no-fund --loglevel=error 2>&1); then
	echo "$said" >&2
	echo "The tools for the browser's tests are not installed: npm must reach a registry once (then never again)." >&2
	echo "Everything else is tested without them: make need fmt generated lint race" >&2
	exit 1
fi
