#!/bin/bash
# Workers on other machines: the same results as of local trainers, whatever is cut, killed or started.
. "$(dirname "$0")/lib.bash"
. "$FAULT/workers.bash"

RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}
echo "# RUNG_TEST_SEED=$RUNG_TEST_SEED"

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

what_they_print_comes_here() {
    local port
    port=$(free_ports 1)
    SEARCH='"algorithm": "random", "models": 2, "max_iter": 1' spec printed ""
    cat >talks.sh <<END
#!/bin/sh
echo "hello from trainer \$RUNG_SLOT"
$PYTHON -S -E "$FAULT/trainers/trainer.py"
printf 'this is the end' >&2
END
    chmod +x talks.sh
    sed -i "s|\"command\": .*\],|\"command\": [\"$DIR/talks.sh\"],|" printed.json
    scheduler printed "$port"
    worker "$port"
    scheduler_ends printed
    same "hello from trainer 0" "$(head -n 1 printed.db.logs/printed/0.log)" "first line"
    same "this is the end" "$(tail -n 1 printed.db.logs/printed/0.log)" "last line"
    "$RUNG" logs printed.db 0 | grep -q "hello from trainer 0"
}

# Who leaves is told from who is lost, where users look: on standard error, and in the database.
comings_and_goings() {
    local port host
    port=$(free_ports 1)
    spec told "memory=0 sleep=0.02"
    scheduler told "$port"
    for _ in 1 2 3; do worker "$port"; done
    until_true sh -c 'test "$(sort -u told.log | grep -c "^START")" = 3 && test "$(grep -c "^JOB" told.log)" -ge 9'
    kill "${WORKERS[0]}"
    kill -9 "${WORKERS[1]}"
    scheduler_ends told
    as_local told
    host=$(sql told "select host from trainers limit 1")
    same 3 "$(grep -cx "rung: note: worker $host has joined: 1 trainer" told.err)" "who joined"
    same 1 "$(grep -cx "rung: note: worker $host has left" told.err)" "who left"
    same 1 "$(grep -c "^rung: note: worker $host is gone: " told.err)" "who is gone"
    same "its worker has left
its worker is gone
stopped" "$(sql told "select reason from trainers order by reason")" "why trainers ended"
    same "" "$(sql told "select reason from failures where reason not in ('its worker has left', 'its worker is gone')")" failures
}

# What a trainer printed before it failed is recorded with the failure, wherever it was, and however it failed.
failures_have_the_last_lines() {
    local port fault expected
    cat >talks.sh <<'END'
#!/bin/sh
seq 1 30
printf 'a line without an end'
exec "$@"
END
    chmod +x talks.sh
    for fault in silent garbage no_score fail exit; do
        for where in here there; do
            SEARCH='"algorithm": "random", "models": 1, "max_iter": 1' \
                LIMITS='"job_timeout": 2, "retries": 0' COUNT=1 spec $where "$fault models=0 sleep=1"
            sed -i "s|\"command\": \[|&\"$DIR/talks.sh\", |" $where.json
        done
        rung 1 run here.json --db here.db --quiet
        port=$(free_ports 1)
        scheduler there "$port"
        worker "$port"
        wait "$SCHEDULER" || true
        expected=$(sql here "select kind, log from failures")
        echo "$expected" | grep -q '^a line without an end\|^last words 40'
        same "$expected" "$(sql there "select kind, log from failures")" "the failures of a trainer elsewhere"
        rm -r here.* there.*
    done
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
check what_trainers_print_is_kept_by_the_scheduler what_they_print_comes_here
check users_are_told_who_joins_and_who_leaves comings_and_goings
check failures_have_the_last_lines_of_a_trainer_elsewhere failures_have_the_last_lines
check a_worker_without_a_scheduler_leaves orphans
finish
