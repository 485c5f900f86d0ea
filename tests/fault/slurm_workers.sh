#!/bin/bash
# Workers from Slurm, on a cluster of this machine: the same results, whoever is cancelled, and nothing is left in the
# queue, however rung ends.
. "$(dirname "$0")/lib.bash"
. "$FAULT/slurm.bash"

RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}
echo "# RUNG_TEST_SEED=$RUNG_TEST_SEED"
SEARCH='"algorithm": "hyperband", "max_iter": 27, "seed": 5'
EXTRA='"cluster": {"address": "127.0.0.1"}'
: >started
export TMPDIR=$DIR # where workers have their folders

WHY=$(slurm_available) || { echo "skip all: $WHY"; exit 0; }

# Checks run in shells of their own, and may end in the middle: what was started is in a file.
end_all() {
    while read -r one; do
        [ "$(ps -o comm= -p "$one")" = rung ] && kill -9 "$one"
    done <"$DIR/started"
    slurm_stop
}
trap 'end_all; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT
if ! slurm_start "$DIR/slurm" >start.out; then
    sed 's/^/# /' start.out
    echo "skip all: Slurm is installed and does not start here: $(grep -m 1 -E 'fatal|error' start.out)"
    exit 0
fi

queue_is_empty() {
    [ -z "$(squeue --noheader 2>&1)" ]
}

tasks_run() { # COUNT
    [ "$(squeue --noheader --states=RUNNING --array | wc -l)" = "$1" ]
}

# NAME [OPTION…]: in the background; SCHEDULER is its process
hire() {
    local command=(run "$1.json")
    [ -f "$1.db" ] && command=(resume)
    "$RUNG" "${command[@]}" --db "$1.db" --events "$1.events" "${@:2}" >"$1.out" 2>>"$1.err" </dev/null &
    SCHEDULER=$!
    echo $! >>started
}

running() {
    kill -0 "$1" 2>/dev/null
}

ends() { # NAME STATUS: within a minute and a half
    local i status=0
    for ((i = 0; i < 900; i++)); do
        running "$SCHEDULER" || break
        sleep 0.1
    done
    if running "$SCHEDULER"; then
        echo "it did not end"
        tail -n 20 "$1.err"
        squeue
        kill -9 "$SCHEDULER"
        scancel --user="$(id -u)" # so that the next check finds an empty queue
        return 1
    fi
    wait "$SCHEDULER" || status=$?
    same "$2" $status "exit status" || { cat "$1.err"; return 1; }
}

# NAME [BASELINE]: every result was recorded once, and is that of local trainers
as_local() {
    same_result "$1" "${2:-local}"
    same 0 "$(sql "$1" 'select count(*) from (select 1 from history group by model, partial_fit_calls having count(*) > 1)')" \
        "results that were recorded twice"
    same remote "$(sql "$1" 'select group_concat(distinct kind) from trainers')" "kind of trainers"
}

local_run() {
    run local "memory=0" 0
}

the_demo() {
    cp "$FAULT/../../examples/demo.json" .
    rung 0 run demo.json --db here.db --quiet
    hire demo --set cluster.address=127.0.0.1 --slurm 4
    ends demo 0
    until_true queue_is_empty
    normal here
    normal demo
    cmp here.normal demo.normal
    same "4 remote" "$(sql demo "select count(distinct trainer) || ' ' || kind from trainers group by kind")" trainers
    grep -qE 'note: 4 workers held [0-9.]+ s in all, busy [0-9.]+ s' demo.err
    test -z "$(cat demo.db.logs/demo/slurm-*.log | grep -v 'note: connected')"
    test "$(stat -c %a demo.db.key)" = 600
}

# The jobs are much shorter than that, or the last one would never end: 81 of 6 calls, then 27 of 12.
one_is_cancelled_every_two_seconds() {
    local cancelled=0 tasks SEARCH='"algorithm": "successive_halving", "models": 81, "first_calls": 6, "max_iter": 18'
    run steady "memory=0" 0
    spec cancelled "memory=0 sleep=0.04"
    hire cancelled --slurm 4
    until_true tasks_run 4
    while sleep 2; running "$SCHEDULER"; do
        read -ra tasks <<<"$(squeue --noheader --states=RUNNING --array --format=%F_%K | tr '\n' ' ')"
        [ ${#tasks[@]} != 0 ] || continue
        scancel "${tasks[RANDOM % ${#tasks[@]}]}"
        cancelled=$((cancelled + 1))
    done
    ends cancelled 0
    until_true queue_is_empty
    as_local cancelled steady
    test $cancelled -gt 2
    test "$(grep -c 'asks Slurm for 1 worker' cancelled.err)" -gt 1
}

killed_ones_are_replaced() {
    local one
    spec killed "memory=0 sleep=0.1"
    hire killed --slurm 2
    until_true tasks_run 2
    until_true has killed.err "rung 0"
    one=$(squeue --noheader --states=RUNNING --array --format=%F_%K | head -n 1)
    scancel --signal=KILL --full "$one"
    ends killed 0
    as_local killed
    has killed.err "asks Slurm for 1 worker"
}

# 9 models at 3 calls, 3 at 9, and 1 at 27, which take turns long enough.
fewer_at_the_end() {
    local held
    SEARCH='"algorithm": "successive_halving", "models": 9, "first_calls": 3, "max_iter": 27' \
        EXTRA='"cluster": {"address": "127.0.0.1", "idle": 0.5}' spec fewer "memory=0 sleep=0.2"
    hire fewer --slurm 4
    ends fewer 0
    until_true queue_is_empty
    # On a busy machine one may be given back between two rungs and asked for again.
    held=$(sed -n 's/.*gives a worker back: \([0-9]*\) held.*/\1/p' fewer.events | tr '\n' ' ')
    echo "held: $held"
    [[ $held == 3\ 2\ *1\  ]]
    test "$(sql fewer "select count(*) from trainers where kind = 'remote'")" -ge 4
    test "$(sql fewer "select count(*) from trainers where reason = 'its worker was given back'")" -ge 3
    grep -qE 'note: [4-9] workers held' fewer.err
}

# More are asked for than the cluster has room for: those that wait are cancelled at the end.
waiting_ones_are_cancelled() {
    spec waiting "memory=0 sleep=0.02"
    hire waiting --slurm 9
    ends waiting 0
    queue_is_empty || until_true queue_is_empty
    as_local waiting
    same 4 "$(sql waiting "select count(distinct trainer) from trainers")" trainers
}

interrupted() {
    spec interrupted "memory=0 sleep=0.1"
    hire interrupted --slurm 6
    until_true tasks_run 4
    until_true has interrupted.err "rung 0"
    kill -TERM "$SCHEDULER"
    ends interrupted 130
    until_true queue_is_empty
    hire interrupted --slurm 4
    ends interrupted 0
    as_local interrupted
}

# Four tasks run, four wait; those that start when the scheduler is gone leave, too.
rung_is_killed() {
    spec dead "memory=0 sleep=0.1"
    hire dead --slurm 8 --orphan-timeout 2s
    until_true tasks_run 4
    until_true has dead.err "rung 0"
    kill -9 "$SCHEDULER"
    wait "$SCHEDULER" 2>/dev/null || true
    until_true tasks_run 4
    for _ in 1 2 3; do queue_is_empty || until_true queue_is_empty || true; done
    queue_is_empty
    hire dead --slurm 4 --orphan-timeout 2s
    until_true grep -q 'asks Slurm' dead.err
    ends dead 0
    as_local dead
}

rung_is_killed_with_four() {
    spec four "memory=0 sleep=0.1"
    hire four --slurm 4 --orphan-timeout 2s
    until_true has four.err "rung 0"
    kill -9 "$SCHEDULER"
    wait "$SCHEDULER" 2>/dev/null || true
    until_true queue_is_empty
}

it_fails() {
    SEARCH='"algorithm": "random", "models": 4, "max_iter": 2' LIMITS='"retries": 0' spec fails "fail_retry memory=0"
    hire fails --slurm 4
    ends fails 1
    until_true queue_is_empty
}

a_wrong_partition() {
    spec partition "memory=0"
    hire partition --slurm 4 --set cluster.partition=nowhere
    until_true has partition.err "Invalid partition name" "3 times in a row"
    running "$SCHEDULER"
    same 1 "$(grep -c 'Invalid partition' partition.err)" "complaints"
    kill -TERM "$SCHEDULER"
    ends partition 130
    hire partition --slurm 4 --set cluster.partition=main
    ends partition 0
    as_local partition
}

# As on nodes that cannot read the key: every worker ends before it comes.
workers_that_never_come() {
    EXTRA='"cluster": {"address": "127.0.0.1", "setup": ["exec '"$RUNG"' worker 127.0.0.1:1 --key /nowhere"]}' \
        spec never "memory=0"
    hire never --slurm 2
    until_true grep -q 'before they came' never.err || until_true has never.err \
        "workers ended before they came, 3 times in a row: see $DIR/never.db.logs/never/slurm-" never.db.key
    kill -TERM "$SCHEDULER"
    ends never 130
    grep -q /nowhere never.db.logs/never/slurm-*.log
}

several_trainers_each() {
    EXTRA='"cluster": {"address": "127.0.0.1", "trainers": 3, "cpus": 1}' spec each "memory=0 sleep=0.02"
    hire each --slurm 2
    ends each 0
    as_local each
    same 6 "$(sql each "select count(distinct trainer) from trainers")" trainers
    grep -qE 'note: 2 workers held' each.err
}

finished() { # DATABASE
    [ "$("$RUNG" list "$1" --format csv 2>/dev/null | grep -c ,finished,)" = 1 ]
}

# Each block of commands, in a folder of its own, with this machine in the place of head-node.
the_page() {
    local block blocks port=7700 n=0
    blocks=$("$PYTHON" "$FAULT/../cli/docs.py" blocks bash "$FAULT/../../docs/slurm.md")
    for block in $blocks; do
        mkdir "page-$block"
        port=$("$PYTHON" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
        sed "s|/tmp/|$DIR/page-$block/|; s|head-node|127.0.0.1|; s|7700|$port|" "$block" >"page-$block/commands"
        sed 's|"name": "demo"|"name": "four-circles", "cluster": {"address": "127.0.0.1"}|' \
            "$FAULT/../../examples/demo.json" >"page-$block/four_circles.json"
        (cd "page-$block" && PATH=$(dirname "$RUNG"):$PATH timeout 60 bash -e commands) >page.out 2>&1 || { cat page.out; return 1; }
        until_true finished "page-$block/four-circles.db"
        until_true queue_is_empty
        n=$((n + 1))
    done
    same 5 $n blocks
}

check a_local_run_to_compare_with local_run
if [ -x "$(dirname "$RUNG")/rung-trainer" ]; then
    check the_demo_on_slurm_is_as_without the_demo
    check the_commands_of_the_page_on_slurm the_page
else
    skip the_commands_of_the_page_on_slurm "there is no rung-trainer"
    skip the_demo_on_slurm_is_as_without "there is no rung-trainer"
fi
check a_worker_is_cancelled_every_two_seconds one_is_cancelled_every_two_seconds
check killed_workers_are_replaced killed_ones_are_replaced
check fewer_workers_are_held_at_the_end fewer_at_the_end
check workers_that_wait_are_cancelled_at_the_end waiting_ones_are_cancelled
check an_interrupted_search_leaves_nothing_and_goes_on interrupted
check workers_leave_when_rung_is_killed rung_is_killed_with_four
check also_those_that_start_then_and_it_goes_on rung_is_killed
check a_search_that_fails_leaves_nothing it_fails
check a_wrong_partition_is_said_and_waited_for a_wrong_partition
check workers_that_end_before_they_come_are_said workers_that_never_come
check workers_of_several_trainers several_trainers_each
finish
