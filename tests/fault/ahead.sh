#!/bin/bash
# Jobs that wait where their trainers are: the results are those of local trainers, whether such jobs are begun, given
# back, or lost with their worker.
. "$(dirname "$0")/lib.bash"
. "$FAULT/workers.bash"
SEARCH='"algorithm": "hyperband", "max_iter": 81, "seed": 5'

# NAME: jobs that went out, as told
jobs_sent() {
    grep -c '"type":"job"' "$1.events"
}

# NAME PORT: as scheduler does, and tells what happens
telling_scheduler() {
    "$RUNG" run "$1.json" --db "$1.db" --trainers 0 --listen "127.0.0.1:$2" --key rung.key --heartbeat 0.3 \
        --events "$1.events" >"$1.out" 2>>"$1.err" </dev/null &
    SCHEDULER=$!
    echo $! >>started
}

fast_trainers() {
    local port
    port=$(free_ports 1)
    spec fast "memory=0"
    telling_scheduler fast "$port"
    worker "$port" --trainers 2
    scheduler_ends fast
    as_local fast
    same 0 "$(sql fast 'select count(*) from failures')" failures
}

# Each time the job that was sent behind is given back: it goes out again.
some_jobs_are_long() {
    local port
    port=$(free_ports 1)
    spec long "pause memory=0 models=10,20,30,40"
    telling_scheduler long "$port"
    worker "$port" --trainers 2
    scheduler_ends long
    as_local long
    same 0 "$(sql long 'select count(*) from failures')" failures
    test "$(jobs_sent long)" -gt "$(sql long 'select count(*) from history')"
}

workers_are_killed() {
    local port kills
    port=$(free_ports 1)
    spec killed "memory=0 sleep=0.003" # long enough that some are killed in it
    scheduler killed "$port"
    worker "$port" --trainers 2
    for ((kills = 0; kills < 8; kills++)); do
        worker "$port" --trainers 2
        sleep 0.3
        kill -9 "${WORKERS[$kills]}" 2>/dev/null || break # the search has ended, and sent it home
    done
    test "$kills" -gt 0
    scheduler_ends killed
    as_local killed
    same 0 "$(sql killed "select count(*) from failures where kind <> 'lost'")" "failures of other kinds"
    test "$(sql killed 'select count(*) from failures')" -le $((2 * kills)) # of each trainer the job that it had
}

check a_local_run_to_compare_with local_run
check fast_trainers_give_the_same fast_trainers
check jobs_that_wait_too_long_are_given_back some_jobs_are_long
check killed_workers_lose_what_was_begun workers_are_killed
finish
