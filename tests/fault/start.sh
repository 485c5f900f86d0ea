#!/bin/bash
# Trainers that do not come to work, states that are gone, and what else a trainer may rely on.
. "$(dirname "$0")/lib.bash"

baseline good

# ---- start ----

# NAME FAULT REASON [LIMITS]: no trainer ever works: exit 1 after 3 starts of each slot, no model is charged; once the trainer is
# mended the search can be resumed.
start_fails() {
    local name=$1
    TIMEOUT=20 LIMITS=${4:-} run "$name" "$2" 1
    has err "$name: " "trainer " "$3" "rung resume"
    failures "$name" start 6 "$3"
    same 3,3 "$(sql "$name" "select group_concat(n) from (select count(*) as n from failures group by trainer)")" "starts per slot"
    same 0 "$(sql "$name" 'select count(*) from failures where model is not null')" "failures of models"
    same failed "$(sql "$name" 'select status from searches')" status
    same 1 "$(sql "$name" "select instr(reason, '$3') > 0 from searches")" "reason of the search"
    logs_say "$name" start "$3"
    mended "$name"
}

mended() { # NAME
    local command="[\"$PYTHON\", \"-S\", \"-E\", \"$FAULT/trainers/trainer.py\", \"log=$DIR/$1.log\"]"
    rung 0 resume "$1.db" --quiet --set "trainer.command=$command"
    same_result "$1" good
}

check start_never_ready_gives_up_after_3_times start_fails late never_ready "not ready" '"start_timeout": 0.4'
check start_timeout_defaults_to_job_timeout start_fails silent never_ready "not ready" '"job_timeout": 0.5'
check start_exit_at_once_gives_up_after_3_times start_fails exit_at_once exit_at_once "exit status 3"
check start_wrong_protocol_version_gives_up_after_3_times start_fails protocol_2 protocol_2 "protocol 2"
check start_ready_without_protocol_gives_up_after_3_times start_fails no_protocol no_protocol 'no "protocol"'
check start_garbage_gives_up_after_3_times start_fails garbage_first garbage_first "no JSON"
check start_answer_before_ready_gives_up_after_3_times start_fails answer_first answer_first "does not have"
check start_garbage_right_after_ready_gives_up_after_3_times start_fails ready_and_garbage ready_and_garbage "no JSON"

start_recovers() {
    COUNT=1 run recovers "exit_at_once times=2" 0
    failures recovers start 2 "exit status 3"
    same "cannot find my data" "$(sql recovers 'select log from failures limit 1')" log
    same_result recovers good
}
check start_failing_twice_costs_nothing start_recovers

one_slot_bad() {
    run one_bad "exit_at_once slot=1 sleep=0.15" 0
    failures one_bad start 3 "exit status 3"
    same 3 "$(sql one_bad 'select count(*) from failures where trainer = 1')" "failures of trainer 1"
    same_result one_bad good
}
check start_failures_give_up_that_slot_only one_slot_bad

missing_program() {
    spec missing ""
    sed -i 's/"command": \[[^]]*\]/"command": [".\/no-such-trainer"]/' missing.json
    rung 2 run missing.json --db missing.db
    has err "no-such-trainer"
    test ! -e missing.db
}
check start_of_a_missing_program_is_refused_before_anything_is_written missing_program

broken_program() {
    printf '#!/no/such/interpreter\n' >broken.sh
    chmod +x broken.sh
    spec broken ""
    sed -i 's/"command": \[[^]]*\]/"command": [".\/broken.sh"]/' broken.json
    rung 1 run broken.json --db broken.db
    has err "trainer " "cannot start" "broken.sh"
    failures broken start 6 "cannot start"
    mended broken
}
check start_of_a_program_that_cannot_run_gives_up_after_3_times broken_program

many_trainers() {
    (ulimit -Sn 40 && COUNT=30 SEARCH='"algorithm": "random", "models": 30, "max_iter": 1' run many "sleep=0.5 dump=$DIR/many.dump" 0)
    same 0 "$(sql many 'select count(*) from failures')" failures
    same 30 "$(sql many 'select count(distinct trainer) from history')" "trainers that worked"
    same 30 "$(grep -c '"files": \[40, ' many.dump)" "trainers with the limit that rung was started with"
}
check more_trainers_than_descriptors_are_allowed_work_all_the_same many_trainers

large_settings() {
    spec large ""
    "$PYTHON" -S -E -c 'import json, sys
spec = json.load(open("large.json"))
spec["trainer"]["settings"] = {"table": "x" * int(sys.argv[1])}
json.dump(spec, open(sys.argv[2], "w"))' 1048576 too_large.json
    rung 2 run too_large.json --db too_large.db
    has err "too_large.json: trainer.settings: "
    rung 2 check too_large.json
    test ! -e too_large.db
    test ! -s large.log
    "$PYTHON" -S -E -c 'import json, sys
spec = json.load(open("large.json"))
spec["trainer"]["settings"] = {"table": "x" * int(sys.argv[1])}
json.dump(spec, open(sys.argv[2], "w"))' 1048000 just.json
    rung 0 run just.json --db just.db --quiet
    same_result just good
}
check settings_that_fit_into_no_message_are_refused_before_anything_is_written large_settings

# ---- states ----

# Half a search, its states spoilt, then the rest.
interrupted_half() { # NAME [WORDS]
    LIMITS='"calls": 8' COUNT=1 run "$1" "memory=0 ${2:-}" 3
    ls "$1.db.states/$1" >states.before
    test -s states.before
}

rebuilt() { # NAME
    rung 0 resume "$1.db" --set limits.calls=null
    has err "trained again from call 0"
    same_result "$1" good
    same 10 "$(sql "$1" 'select count(distinct model * 1000 + partial_fit_calls) from history')" "distinct rows"
    same 10 "$(sql "$1" 'select count(*) from history')" rows
    same 11 "$(sql "$1" 'select count(*) from calls')" "rows of calls"
    same 0 "$(sql "$1" 'select count(*) from failures')" failures
}

missing_states() {
    interrupted_half gone
    rm gone.db.states/gone/*
    rebuilt gone
}
check state_missing_is_rebuilt_from_call_0_and_no_row_written_twice missing_states

short_states() {
    interrupted_half short
    for file in short.db.states/short/*; do
        truncate -s -1 "$file"
    done
    rebuilt short
}
check state_shorter_than_recorded_is_rebuilt_from_call_0_and_no_row_written_twice short_states

stateless() {
    run none stateless 0
    normal none # its jobs see more examples, being longer
    diff <(sed 's/ examples=.*//; s/ trainer=.*//' good.normal) <(sed 's/ examples=.*//; s/ trainer=.*//' none.normal)
    same 0 "$(ls none.db.states/none | wc -l)" "state files"
    same 0 "$(awk '/^JOB/ && ($6 != 0 || $8 != "None")' none.log | wc -l)" "jobs that do not start at call 0"
}
check state_none_trains_from_call_0_each_time stateless

# ---- workers whose trainers do not start ----

# NAME SECONDS: a scheduler of workers alone, whose trainers start only where the file fine is, and are waited for so long;
# and a worker where it is not. Until that is given up.
hopeless() {
    [ -f rung.key ] || "$RUNG" key rung.key >/dev/null
    rm -f fine
    LIMITS="\"start_timeout\": $2" spec "$1" ""
    printf '#!/bin/sh\n[ -e %s/fine ] && exec "$@"\nexit 1\n' "$DIR" >where_fine
    chmod +x where_fine
    sed -i "s|\"command\": \[|&\"$DIR/where_fine\", |" "$1.json"
    timeout -k 5 60 "$RUNG" run "$1.json" --db "$1.db" --trainers 0 --listen 127.0.0.1:0 --key rung.key 2>"$1.err" >"$1.out" &
    SCHEDULER=$!
    until_true grep -q "workers are taken at port" "$1.err" || { cat "$1.err"; return 1; }
    PORT=$(grep -o 'port [0-9]*$' "$1.err")
    PORT=${PORT#port }
    timeout 60 "$RUNG" worker "127.0.0.1:$PORT" --key rung.key --trainers 2 --quiet &
    until_true grep -q "all trainers were given up: the search ends unless another worker comes within $2 s" "$1.err"
}

nobody_else_comes() {
    local status=0
    hopeless nobody 0.5
    wait "$SCHEDULER" || status=$?
    same 1 $status "exit status"
    has nobody.err "rung: nobody: no trainer could be started: trainer" "rung resume nobody.db --trainers 0 --listen 127.0.0.1:0"
    same 1 "$(grep -c 'another worker' nobody.err)" "times that it is said"
    same failed "$(sql nobody 'select status from searches')" status
}
check workers_of_no_use_end_the_search_when_no_other_comes nobody_else_comes

somebody_else_comes() {
    local status=0
    hopeless somebody 30
    touch fine
    timeout 60 "$RUNG" worker "127.0.0.1:$PORT" --key rung.key --trainers 1 --quiet &
    wait "$SCHEDULER" || status=$?
    same 0 $status "exit status"
    same_result somebody good
}
check a_worker_that_comes_in_time_goes_on_with_the_search somebody_else_comes

# ---- other promises ----

long_log() {
    COUNT=1 run long "big_log times=1" 0
    test "$(stat -c %s long.db.logs/long/0.log)" -le $((10 << 20))
    same "the last line of the log" "$(tail -1 long.db.logs/long/0.log)" "last line"
    same_result long good
}
check log_over_10_mib_is_cut long_log

test_score() {
    run tested "evaluate=1" 0
    same 1 "$(sql tested "select json_extract(test_metrics, '\$.test_score') * 2 = best_score from searches")" "test score"
    run untested "evaluate_fails evaluate=1" 0
    same "" "$(sql untested 'select test_metrics from searches')" "test score"
    same_result untested good
}
check evaluate_failure_costs_only_the_test_score test_score

platforms() {
    spec platforms "platforms sleep=0.1"
    rung 0 run platforms.json --db platforms.db
    same 1 "$(grep -c 'trainers differ' err)" warnings
    has err "kernel 0" "kernel 1"
}
check platforms_that_differ_are_said_once platforms

finish
