#!/usr/bin/env bash
# Runs make targets one after the other and ends with a table of what each did.
# A failed target does not hide the others' results, except `setup` and `build`: without them nothing that follows means
# anything.
# Usage: scripts/steps.sh TARGET...
set -uo pipefail

declare -a rows
failed=0
stop=
began=$SECONDS
for target in "$@"; do
    from=$SECONDS
    if [ -n "$stop" ]; then
        rows+=("$(printf '  %-10s skipped' "$target")")
        continue
    fi
    printf '\n######## make %s\n' "$target"
    if make --no-print-directory "$target"; then
        rows+=("$(printf '  %-10s ok      %5d s' "$target" $((SECONDS - from)))")
    else
        rows+=("$(printf '  %-10s FAILED  %5d s   repeat it: make %s' "$target" $((SECONDS - from)) "$target")")
        failed=$((failed + 1))
        case $target in setup | build) stop=yes ;; esac
    fi
done

printf '\n######## summary\n'
printf '%s\n' "${rows[@]}"
if [ "$failed" -eq 0 ]; then
    printf 'All %d steps passed in %d s.\n' $# $((SECONDS - began))
else
    printf '%d of %d steps FAILED after %d s.\n' "$failed" $# $((SECONDS - began))
    exit 1
fi
