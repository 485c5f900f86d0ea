#!/bin/sh
# The guard of purity: what base, core, cost and forecast take from outside must be in tests/core-symbols.txt,
# so that no clock, file, socket or thread gets into them unseen.  purity.sh BUILD
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}

check() { # NAME ALLOWED-GROUPS FOLDERS-BELOW OBJECT…: undefined symbols that no object here or below defines
    name=$1 groups=$2 below=$3
    shift 3
    defined=$(nm -g --defined-only --format=posix $(for folder in $below; do objects $folder; done) "$@" | awk 'NF > 2 { print $1 }')
    allowed=$(awk -v groups="$groups" 'index(groups, $1) { $1 = ""; print }' tests/core-symbols.txt | tr ' ' '\n')
    for object; do
        [ -f "$object" ] || echo "missing-object $object"
        nm -u --format=posix "$object" | awk -v object="$object" '{ print $1, object }'
    done | awk -v known="$defined $allowed" '
        BEGIN { n = split(known, list, /[ \n]+/); for (i = 1; i <= n; i++) ok[list[i]] = 1 }
        { symbol = $1; sub(/^__/, "", symbol); sub(/_chk$/, "", symbol); sub(/^isoc[0-9]+_/, "", symbol) }
        !($1 in ok) && !(symbol in ok) { print $2 " uses " $1; bad = 1 }
        END { exit bad }' && echo "ok purity of $name" || { echo "not ok purity of $name"; status=1; }
}

objects() { # FOLDER: the objects of the sources that are there now
    for source in scheduler/"$1"/*.c; do
        [ ! -f "$source" ] || echo "$build/${source%.c}.o"
    done
}

status=0
check base "all: base:" "" $(objects base)
check core "all:" base $(objects core)
check cost "all: cost:" "base core" $(objects cost)
check forecast "all:" "base core cost" $(objects forecast)
exit $status
