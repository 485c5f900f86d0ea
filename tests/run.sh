#!/bin/bash
# Runs test programs and scripts in parallel, each with a temporary folder of its own, shows the
# output of those that fail, and ends with one line: N passed, N failed[, N skipped].
#
#   tests/run.sh PROGRAM…          a word with blanks is a command with arguments
#
# A program's cases are counted from its output: cmocka's totals, or lines of the forms
#   ok NAME    not ok NAME    skip NAME: WHY
# A program that exits other than 0 without a failed case, or that runs no case, is one failure.
#
# The tests run in the repository's root and see TMPDIR (their own folder, removed afterwards),
# RUNG_ROOT, RUNG_BIN (folder of the programs), RUNG_BUILD (folder of helper programs under tests/).
# RUNG_TEST_TIMEOUT: seconds a program may take (600). RUNG_TEST_JOBS: how many at once.
set -u
cd "$(dirname "$0")/.." || exit 1

count() { # PATTERN FILE: the sum of the first numbers on matching lines
    sed -n "s/$1/\\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

run_one() { # NUMBER COMMAND
    local log=$WORK/$1.log status passed failed skipped started=$EPOCHREALTIME
    export TMPDIR=$WORK/$1.tmp
    mkdir -p "$TMPDIR"
    # shellcheck disable=SC2086
    timeout -k 10 "${RUNG_TEST_TIMEOUT:-600}" $2 >"$log" 2>&1 </dev/null
    status=$?
    chmod -R u+rwX "$TMPDIR" 2>/dev/null
    rm -rf "$TMPDIR"
    passed=$(($(count '^\[  PASSED  \] \([0-9]*\) test.*' "$log") + $(grep -c '^ok ' "$log")))
    failed=$(($(count '^\[  FAILED  \] \([0-9]*\) test.*' "$log") + $(grep -c '^not ok ' "$log")))
    skipped=$(($(count '^\[  SKIPPED \] \([0-9]*\) test.*' "$log") + $(grep -c '^skip ' "$log")))
    [ $status = 124 ] && echo "stopped after ${RUNG_TEST_TIMEOUT:-600} s" >>"$log"
    [ $status != 0 ] && [ "$failed" = 0 ] && failed=1 && echo "exit status $status" >>"$log"
    [ $((passed + failed + skipped)) = 0 ] && failed=1 && echo "no test case was run" >>"$log"
    echo "$passed $failed $skipped" >"$WORK/$1.count"
    local line
    line=$(printf '%-56s %4d passed' "${2#"$PWD"/}" "$passed")
    [ "$failed" = 0 ] || line="$line, $failed FAILED"
    [ "$skipped" = 0 ] || line="$line, $skipped skipped"
    echo "$line" "$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "(%.1f s)", b - a }')"
}

if [ "${1-}" = --one ]; then
    run_one "$2" "$3"
    exit 0
fi

WORK=$(mktemp -d "${TMPDIR:-/tmp}/rung-tests-XXXXXX") || exit 1
chmod a+rx "$WORK" # some tests drop root and must still find their folder
trap 'chmod -R u+rwX "$WORK" 2>/dev/null; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
export WORK RUNG_ROOT=$PWD RUNG_BIN=${RUNG_BIN:-$PWD/bin} RUNG_BUILD=${RUNG_BUILD:-$PWD/build}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export OPENBLAS_NUM_THREADS=1 # its threads spin while they wait: on a machine full of tests that is time lost

number=0
for command; do
    number=$((number + 1))
    printf '%03d\0%s\0' "$number" "$command"
done | xargs -0 -r -n 2 -P "${RUNG_TEST_JOBS:-$(nproc)}" "$0" --one

passed=0 failed=0 skipped=0 number=0
for command; do
    number=$((number + 1))
    file=$WORK/$(printf %03d "$number")
    p=0 f=1 s=0
    [ -f "$file.count" ] && read -r p f s <"$file.count"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" != 0 ]; then
        printf '\n===== FAILED: %s\n' "$command"
        cat "$file.log" 2>/dev/null
    elif [ "$s" != 0 ]; then
        printf '\n===== SKIPPED in %s\n' "$command"
        grep -Ei '^skip|^\[  SKIPPED \] [^0-9]' "$file.log"
    fi
done
echo
if [ $skipped = 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ $failed = 0 ]
