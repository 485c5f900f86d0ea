#!/bin/bash
# Completion in a shell that has no other.
. "$(dirname "$0")/lib.bash"
# shellcheck disable=SC1091
. "$ROOT/docs/completion.bash"

complete_words() { # WORD…: the last one is being typed
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _rung 2>/dev/null
    printf '%s\n' "${COMPREPLY[@]}" | sort
}

gives() { # NAME EXPECTED WORD…
    local name=$1 expected=$2
    shift 2
    check "$name" same <(tr ' ' '\n' <<<"$expected" | sort) <(complete_words "$@")
}

touch one.json two.json other.txt x.db
mkdir folder
gives "commands" "resume retry run" "$RUNG" r
gives "options of a command" "--search --set" "$RUNG" resume --se
gives "specs and folders" "folder one.json two.json" "$RUNG" run ""
gives "specs to submit" "folder one.json two.json" "$RUNG" submit ""
gives "databases" "folder x.db" "$RUNG" top ""
gives "formats" "csv" "$RUNG" top x.db --format c
gives "views" "models" "$RUNG" export x.db --what mo
gives "commands to be helped with" "list logs" "$RUNG" help l
spec one
"$RUNG" run one.json --db x.db --quiet
gives "searches of the database" "one" "$RUNG" top x.db --search ""
gives "searches to delete" "one" "$RUNG" delete x.db ""
gives "searches to stop" "one" "$RUNG" stop --db x.db ""
gives "searches to go on with" "one" "$RUNG" submit --db x.db --resume ""
cp x.db rung.db
gives "of the database without a name" "one" "$RUNG" stop ""
finish
