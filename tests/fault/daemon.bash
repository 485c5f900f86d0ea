# What the tests of a daemon share: daemons in the background, searches for them, and how those end. Sourced after
# lib.bash. Everything that it starts is ended with the script; programs that are no rung have their process in `others`.

. "$FAULT/workers.bash"
: >others # programs that are no rung
trap 'end_all; kill -9 $(cat "$DIR/others") 2>/dev/null; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT

# DB [OPTION…]: a daemon in the background that takes commands; DAEMON is its process
daemon() {
    local i
    "$RUNG" serve "$1" --trainers 4 "${@:2}" >>"$1.out" 2>>"$1.err" </dev/null &
    DAEMON=$!
    echo $! >>started
    for ((i = 0; i < 400; i++)); do
        "$RUNG" list --db "$1" >/dev/null 2>&1 && return 0
        running $DAEMON || break
        sleep 0.025
    done
    echo "the daemon takes no commands"
    cat "$1.err"
    return 1
}

daemon_ends() { # STATUS
    local i status=0
    for ((i = 0; i < 400; i++)); do
        running $DAEMON || break
        sleep 0.025
    done
    running $DAEMON && { echo "the daemon did not end"; return 1; }
    wait $DAEMON || status=$?
    same "$1" $status "the daemon's exit status"
}

# DB [OPTION…] -- NAME…: `rung submit` of each
submit() {
    local db=$1 options=() name
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    for name; do
        rung 0 submit "$name.json" --db "$db" "${options[@]}"
    done
}

# ARGUMENT…: `rung submit --wait` in the background, once it shows something; WAITING is its process
wait_for_it() {
    : >waiting.err
    "$RUNG" submit --wait "$@" >waiting.out 2>waiting.err </dev/null &
    WAITING=$!
    until_true test -s waiting.err
}

status() { # DB NAME
    sqlite3 -readonly -cmd '.timeout 5000' "$1" "select status from searches where search = '$2'"
}

is() { # DB NAME STATUS
    [ "$(status "$1" "$2")" = "$3" ]
}

results() { # DB NAME COUNT: it has that many, at least
    [ "$(sqlite3 -readonly -cmd '.timeout 5000' "$1" "select count(*) from history where search = '$2'")" -ge "$3" ]
}

finished() { # DB NAME…: within a minute
    local i db=$1 name
    shift
    for name; do
        for ((i = 0; i < 600; i++)); do
            is "$db" "$name" finished && break
            sleep 0.1
        done
        is "$db" "$name" finished || { "$RUNG" list "$db"; cat "$db.err"; return 1; }
    done
}

# DB NAME EXPECTED: history and leaderboard are those of EXPECTED.db, a run by itself; nothing was recorded twice
as_alone() {
    "$RUNG" export "$1" --search "$2" --what history >found.history.csv
    "$RUNG" export "$1" --search "$2" --what leaderboard >found.leaderboard.csv
    "$PYTHON" -S -E "$FAULT/normal.py" found.history.csv found.leaderboard.csv >found.normal
    normal "$3"
    cmp "$3.normal" found.normal || { diff "$3.normal" found.normal | head -20; return 1; }
    same 0 "$(sqlite3 -readonly "$1" "select count(*) from (select 1 from history where search = '$2' group by model, partial_fit_calls having count(*) > 1)")" \
        "results that were recorded twice"
}
