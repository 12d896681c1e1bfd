#!/usr/bin/env bash
# Runs one command as a named step: says when it begins, and how long it took when it ends.
# Usage: scripts/step.sh NAME COMMAND [ARG...]
set -uo pipefail

name=$1
shift
began=$(date +%s%N)
printf '\n==> %s\n    %s\n' "$name" "$*"
"$@" </dev/null
status=$?
tenths=$((($(date +%s%N) - began) / 100000000))
seconds="$((tenths / 10)).$((tenths % 10)) s"
if [ "$status" -eq 0 ]; then
    printf '==> %s: ok, %s\n' "$name" "$seconds"
else
    printf '==> %s: FAILED with exit code %s after %s\n' "$name" "$status" "$seconds"
fi
exit "$status"
