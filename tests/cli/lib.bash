# What the scripts here share: a folder of their own, rung's output captured, one line per check.
#
#   . "$(dirname "$0")/lib.bash"
#   rung top x.db                    # runs it: $rc, and files out and err in the working directory
#   expect "a name for it" 0 [OUT [ERR]]   # its exit status, and regular expressions its output must hold
#   check "a name" COMMAND…          # holds when the command succeeds
#   check_json "a name" 'expression' # a Python expression over d, what `out` holds as JSON
#   finish
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RUNG=${RUNG:-${RUNG_BIN:-$ROOT/bin}/rung}
HERE=$ROOT/tests/cli
WORK=$(mktemp -d "${TMPDIR:-/tmp}/rung-cli-XXXXXX") || exit 1
WORK=$(cd "$WORK" && pwd -P)
trap 'chmod -R u+rwX "$WORK"; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
cp "$HERE/trainer.py" . && chmod +x trainer.py
failed=0

if ! command -v python3 >/dev/null; then
    echo "skip $(basename "$0"): python3 is not installed"
    exit 0
fi

say() { # ok|"not ok" NAME [FILE…]
    echo "$1 $2"
    if [ "$1" != ok ]; then
        failed=1
        shift 2
        for file; do
            sed "s/^/    $file: /" "$file"
        done
    fi
}

rung() {
    "$RUNG" "$@" >out 2>err </dev/null
    rc=$?
}

holds() { # FILE PATTERN
    grep -Eq -- "$2" "$1"
}

expect() { # NAME STATUS [OUT [ERR]]
    if [ "$rc" != "$2" ]; then
        say "not ok" "$1 (exit status $rc, not $2)" out err
    elif [ -n "${3-}" ] && ! holds out "$3"; then
        say "not ok" "$1 (standard output has no $3)" out err
    elif [ -n "${4-}" ] && ! holds err "$4"; then
        say "not ok" "$1 (standard error has no $4)" out err
    else
        say ok "$1"
    fi
}

check() { # NAME COMMAND…
    local name=$1
    shift
    if "$@" >check.log 2>&1; then say ok "$name"; else say "not ok" "$name" check.log; fi
}

check_json() { # NAME EXPRESSION
    check "$1" python3 -c 'import json, sys
d = json.load(open("out"))
if not ('"$2"'): sys.exit("not so: %r" % d)'
}

same() { # FILE FILE
    diff -u "$1" "$2"
}

wait_for() { # FILE LINES: until FILE has that many, 20 s at most
    local i
    for ((i = 0; i < 2000; i++)); do
        [ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ] && return 0
        sleep 0.01
    done
    echo "$1 never had $2 lines"
    return 1
}

# A small search: spec NAME [SEARCH-KEYS [SETTINGS [MORE-KEYS]]] writes NAME.json
spec() {
    cat >"$1.json" <<SPEC
{"trainer": {"command": ["./trainer.py"], "settings": ${3:-"{}"}, "count": 2},
 "parameters": {"a": {"uniform": [0, 1]}},
 "search": {${2:-\"max_iter\": 9}}${4:-}}
SPEC
}

finish() {
    exit $failed
}
