#!/bin/bash
# Workers on other machines: the same results as of local trainers, whatever is cut, killed or started.
. "$(dirname "$0")/lib.bash"

RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}
echo "# RUNG_TEST_SEED=$RUNG_TEST_SEED"
SEARCH='"algorithm": "hyperband", "max_iter": 27, "seed": 5'
"$RUNG" key rung.key >/dev/null

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

four_workers() {
    local port
    port=$(free_ports 1)
    spec four "memory=0 sleep=0.02"
    scheduler four "$port"
    for _ in 1 2 3 4; do worker "$port"; done
    scheduler_ends four
    as_local four
    for one in "${WORKERS[@]}"; do wait "$one"; done # they leave by themselves, well
    same "4 remote" "$(sql four "select count(distinct trainer) || ' ' || kind from trainers group by kind")" trainers
}

beside_local_ones() {
    local port
    port=$(free_ports 1)
    spec mixed "memory=0 sleep=0.01"
    "$RUNG" run mixed.json --quiet --trainers 1 --listen "127.0.0.1:$port" --key rung.key >mixed.out 2>mixed.err &
    SCHEDULER=$!
    echo $! >>started
    worker "$port"
    scheduler_ends mixed
    as_local mixed
    same "local remote" "$(sql mixed "select group_concat(kind, ' ') from (select distinct kind from trainers order by kind)")" kinds
}

workers_are_killed() {
    local port i
    port=$(free_ports 1)
    spec killed "memory=0 sleep=0.01"
    scheduler killed "$port"
    for _ in 1 2 3; do worker "$port"; done
    for ((i = 0; i < 6; i++)); do
        sleep 0.4
        running "$SCHEDULER" || break
        kill -9 "${WORKERS[$i]}"
        worker "$port"
    done
    scheduler_ends killed
    as_local killed
    test "$i" -gt 1
}

links_are_cut() {
    local ports proxy
    read -ra ports <<<"$(free_ports 2)"
    spec cut "memory=0 sleep=0.01"
    scheduler cut "${ports[0]}"
    exec {hold}<> <(sleep 60)
    "$PYTHON" -S -E "$FAULT/proxy.py" "${ports[1]}" "${ports[0]}" "$RANDOM" <&$hold &
    proxy=$!
    for _ in 1 2 3 4; do worker "${ports[1]}"; done
    scheduler_ends cut
    kill $proxy
    wait $proxy 2>/dev/null || true
    as_local cut
    test "$(grep -c 'out of reach' worker.err)" -gt 2
}

the_scheduler_is_killed() {
    local port i
    port=$(free_ports 1)
    spec resumed "memory=0 sleep=0.01"
    scheduler resumed "$port"
    for _ in 1 2 3; do worker "$port"; done
    for i in 1 2 3; do
        sleep 0.7
        running "$SCHEDULER" || break
        kill -9 "$SCHEDULER"
        wait "$SCHEDULER" 2>/dev/null || true
        scheduler resumed "$port"
    done
    scheduler_ends resumed
    as_local resumed
    test "$i" -gt 1
}

refused() { # STATUS TEXT OPTION…: a worker ends so
    local got=0
    timeout 20 "$RUNG" worker "127.0.0.1:$PORT" --trainers 1 "${@:3}" 2>refused.err </dev/null || got=$?
    same "$1" $got "exit status" || { cat refused.err; return 1; }
    has refused.err "$2"
}

strangers() {
    PORT=$(free_ports 1)
    "$RUNG" key other.key >/dev/null
    spec strange "memory=0 sleep=0.02"
    scheduler strange "$PORT"
    until_true grep -q "workers are taken" strange.err
    refused 2 "key" --key other.key
    "$PYTHON" -S -E - "$PORT" <<'P'
import socket, sys
port = int(sys.argv[1])
silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
for text in (b"GET / HTTP/1.0\r\n\r\n", b"\xff\xff\xff\xff" * 100, b"\x16\x03\x01\x02\x00\x01" + b"x" * 600):
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall(text)
    one.settimeout(20)
    try:
        while one.recv(4096):
            pass
    except ConnectionError:
        pass
P
    worker "$PORT"
    scheduler_ends strange
    as_local strange
    test "$(grep -c 'was refused' strange.err)" -ge 2
    test "$(grep -c 'was refused' strange.err)" -lt 20
}

orphans() {
    local port started=$SECONDS
    port=$(free_ports 1)
    PORT=$port
    refused 1 "no scheduler for 1 s" --key rung.key --orphan-timeout 1
    test $((SECONDS - started)) -lt 6
}

check a_local_run_to_compare_with local_run
check four_workers_give_the_same four_workers
check workers_beside_local_trainers beside_local_ones
check killed_workers_change_nothing workers_are_killed
check cut_links_change_nothing links_are_cut
check a_killed_scheduler_goes_on the_scheduler_is_killed
check strangers_are_refused strangers
check a_worker_without_a_scheduler_leaves orphans
finish
