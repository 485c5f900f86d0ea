# What the tests of workers share: schedulers and workers in the background, and the results of a local search. Sourced
# after lib.bash. Everything that it starts is ended with the script.

SEARCH='"algorithm": "hyperband", "max_iter": 27, "seed": 5'
"$RUNG" key rung.key >/dev/null
: >started

free_ports() { # COUNT
    "$PYTHON" -c "
import socket
held = [socket.create_server(('127.0.0.1', 0)) for _ in range($1)]
print(*(one.getsockname()[1] for one in held))"
}

# NAME PORT: runs the search in the background, with workers alone; SCHEDULER is its process
scheduler() {
    local command=(run "$1.json")
    [ -f "$1.db" ] && command=(resume)
    "$RUNG" "${command[@]}" --db "$1.db" --trainers 0 --listen "127.0.0.1:$2" --key rung.key --heartbeat 0.3 \
        >"$1.out" 2>>"$1.err" </dev/null &
    SCHEDULER=$!
    echo $! >>started
}

WORKERS=()
worker() { # PORT [OPTION…]
    "$RUNG" worker "127.0.0.1:$1" --key rung.key --trainers 1 --orphan-timeout 20 "${@:2}" 2>>worker.err </dev/null &
    WORKERS+=($!)
    echo $! >>started
}

# Checks run in shells of their own, and may end in the middle: what was started is in a file.
end_all() {
    while read -r one; do
        [ "$(ps -o comm= -p "$one")" = rung ] && kill -9 "$one"
    done <"$DIR/started"
}
trap 'end_all; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT

running() {
    kill -0 "$1" 2>/dev/null
}

scheduler_ends() { # NAME: well, within a minute
    local i status=0
    for ((i = 0; i < 600; i++)); do
        running "$SCHEDULER" || break
        sleep 0.1
    done
    running "$SCHEDULER" && { echo "it did not end"; tail -n 5 "$1.err" worker.err; return 1; }
    wait "$SCHEDULER" || status=$?
    same 0 $status "exit status" || { cat "$1.err"; return 1; }
}

# NAME: every result was recorded once, and is that of local trainers
as_local() {
    same_result "$1" local
    same 0 "$(sql "$1" 'select count(*) from (select 1 from history group by model, partial_fit_calls having count(*) > 1)')" \
        "results that were recorded twice"
}

local_run() {
    run local "memory=0" 0
}

refused() { # STATUS TEXT OPTION…: a worker ends so
    local got=0
    timeout 20 "$RUNG" worker "127.0.0.1:$PORT" --trainers 1 "${@:3}" 2>refused.err </dev/null || got=$?
    same "$1" $got "exit status" || { cat refused.err; return 1; }
    has refused.err "$2"
}
