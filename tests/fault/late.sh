#!/bin/bash
# Results that come after their worker was given up: taken while they are still wanted, else dropped and counted.
. "$(dirname "$0")/lib.bash"
. "$FAULT/workers.bash"

# NAME MODELS: so many jobs of 1.5 s
slow_spec() {
    SEARCH="\"algorithm\": \"random\", \"models\": $2, \"max_iter\": 1, \"priority\": \"fifo\"" \
        spec "$1" "memory=0 sleep=1.5"
}

jobs_begun() { # NAME COUNT: waits for so many
    for ((i = 0; i < 100; i++)); do
        test "$(grep -c ^JOB "$1.log")" -ge "$2" && return
        sleep 0.1
    done
    return 1
}

told() { # NAME TAKEN DROPPED
    has "$1.err" "late results of workers that came back: $2 taken, $3 dropped"
}

as_alone() { # NAME: the leaderboard of the same search with trainers here
    "$RUNG" run "$1.json" --db "$1.alone.db" --quiet --trainers 3
    same "$("$RUNG" top "$1.alone.db" --format csv | cut -d, -f1-3)" "$("$RUNG" top "$1.db" --format csv | cut -d, -f1-3)" \
        leaderboard
}

finished_while_cut_off() {
    local port
    port=$(free_ports 1)
    slow_spec taken 3
    scheduler taken "$port"
    worker "$port"
    jobs_begun taken 1
    kill -STOP "${WORKERS[0]}"
    sleep 2.2
    kill -CONT "${WORKERS[0]}"
    scheduler_ends taken
    told taken 1 0
    same 3 "$(grep -c ^JOB taken.log)" "jobs that were begun"
    same "1 lost" "$(sql taken "select count(*) || ' ' || kind from failures")" failures
    same 3 "$(sql taken "select count(*) from history")" results
    as_alone taken
}

done_again_elsewhere() {
    local port
    port=$(free_ports 1)
    slow_spec twice 2
    scheduler twice "$port"
    for _ in 1 2; do worker "$port"; done
    jobs_begun twice 2
    kill -STOP "${WORKERS[0]}"
    jobs_begun twice 3
    kill -CONT "${WORKERS[0]}"
    scheduler_ends twice
    same 2 "$(sql twice "select count(*) from history")" results
    same 3 "$(grep -c ^JOB twice.log)" "jobs that were begun"
    same 2 "$(grep -c ^DONE twice.log)" "jobs that were not called off"
    as_alone twice
}

too_late() {
    local port
    port=$(free_ports 1)
    slow_spec dropped 3
    scheduler dropped "$port"
    for _ in 1 2; do worker "$port"; done
    jobs_begun dropped 2
    kill -STOP "${WORKERS[0]}"
    jobs_begun dropped 4
    kill -CONT "${WORKERS[0]}"
    scheduler_ends dropped
    same 3 "$(sql dropped "select count(*) from history")" results
    told dropped 0 1
    as_alone dropped
}

while_there_was_no_scheduler() {
    local port
    port=$(free_ports 1)
    slow_spec dead 2
    scheduler dead "$port"
    worker "$port"
    jobs_begun dead 1
    kill -9 "$SCHEDULER"
    wait "$SCHEDULER" 2>/dev/null || true
    sleep 2
    scheduler dead "$port"
    scheduler_ends dead
    same 2 "$(grep -c ^JOB dead.log)" "jobs that were begun"
    same 2 "$(sql dead "select count(*) from history")" results
    as_alone dead
}

check a_result_of_a_worker_that_was_cut_off_is_taken finished_while_cut_off
check whoever_does_it_again_is_called_off done_again_elsewhere
check a_result_that_comes_too_late_is_dropped_and_counted too_late
check a_result_made_while_there_was_no_scheduler_is_taken while_there_was_no_scheduler
finish
