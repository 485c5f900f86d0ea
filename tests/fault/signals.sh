#!/bin/bash
# How a search is stopped, by signals and by limits, and how it goes on.
. "$(dirname "$0")/lib.bash"

FLAT='"algorithm": "random", "models": 6, "max_iter": 2'
SEARCH=$FLAT baseline flat
baseline small

# NAME WORDS OPTION…: starts the search in the background; PID is rung's
start() {
    local name=$1
    spec "$name" "$2"
    shift 2
    "$RUNG" run "$name.json" --db "$name.db" "$@" >out 2>err </dev/null &
    PID=$!
}

jobs_out() { # NAME COUNT: so many jobs have reached trainers
    test "$(grep -c ^JOB "$1.log")" -ge "$2"
}

# STATUS SECONDS: rung ends with it, within so many seconds
ends() {
    local got=0 began=$SECONDS
    (sleep "$2" && kill -9 $PID) 2>/dev/null &
    local guard=$!
    wait $PID || got=$?
    kill $guard 2>/dev/null || true
    same "$1" "$got" "exit status"
    test $((SECONDS - began)) -le "$2"
}

no_trainer_left() { # NAME
    same "" "$(for pid in $(awk '/^START/ { print $2 }' "$1.log"); do ps -o pid=,stat= -p "$pid" | grep -v Z || true; done)" \
        "trainers left"
}

goes_on() { # NAME BASELINE OPTION…
    local name=$1 whole=$2
    shift 2
    rung 0 resume "$name.db" --quiet "$@"
    same_result "$name" "$whole"
}

drains() { # SIGNAL NAME
    SEARCH=$FLAT start "$2" "sleep=0.3"
    until_true jobs_out "$2" 2
    kill -"$1" $PID
    ends 130 10
    has err interrupted "rung resume $2.db" "once more stops at once"
    same 2 "$(grep -c ^JOB "$2.log")" "jobs handed out"
    same 2 "$(sql "$2" 'select count(*) from history')" "results"
    same interrupted "$(sql "$2" 'select status from searches')" status
    no_trainer_left "$2"
    goes_on "$2" flat
    same 6 "$(grep -c ^JOB "$2.log")" "jobs in all"
}
check first_ctrl_c_waits_for_running_jobs_and_says_how_to_resume drains INT ctrl_c
check sigterm_waits_for_running_jobs_and_says_how_to_resume drains TERM sigterm

at_once() {
    SEARCH=$FLAT LIMITS='"job_timeout": 100' start at_once "silent from=0"
    until_true jobs_out at_once 2
    kill -INT $PID
    sleep 0.3
    kill -0 $PID
    kill -INT $PID
    ends 130 3
    has err "rung resume at_once.db"
    no_trainer_left at_once
    same 0 "$(sql at_once 'select count(*) from failures')" failures
    goes_on at_once flat --set "trainer.command=[\"$PYTHON\", \"-S\", \"-E\", \"$FAULT/trainers/trainer.py\", \"log=$DIR/at_once.log\"]"
}
check second_ctrl_c_stops_at_once_and_the_jobs_are_redone at_once

stall() {
    LIMITS='"job_timeout": 0.6, "retries": 0' start stall "sleep=0.15"
    until_true jobs_out stall 2
    kill -STOP $PID
    sleep 1.5
    kill -CONT $PID
    ends 0 10
    same 0 "$(sql stall 'select count(*) from failures')" failures
    same_result stall small
}
check stopped_and_continued_for_longer_than_job_timeout_costs_nothing stall

blocked_signals() {
    cat >blocked.py <<END
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGINT, signal.SIGTERM])
os.execv(sys.argv[1], sys.argv[1:])
END
    SEARCH=$FLAT spec blocked "exit times=1 sleep=0.2"
    "$PYTHON" -S -E blocked.py "$RUNG" run blocked.json --db blocked.db --quiet >out 2>err </dev/null &
    PID=$!
    until_true grep -q '^DONE' blocked.log # the trainer that ended was heard of, or its job would wait
    until_true one_exit
    kill -INT $PID
    ends 130 5
    goes_on blocked flat
}
one_exit() {
    test "$(sqlite3 -readonly blocked.db "select count(*) from failures where kind = 'exit'")" = 1
}
check signals_that_were_blocked_before_are_heard_all_the_same blocked_signals

evaluating() {
    test "$(grep -c ^EVALUATE "$1.log")" = 1
}

test_score_at_once() {
    start score "evaluate_hangs evaluate=1"
    until_true evaluating score
    kill -INT $PID
    sleep 0.2
    kill -0 $PID
    kill -INT $PID
    ends 0 3
    same finished "$(sql score 'select status from searches')" status
    no_trainer_left score
    same_result score small
}
check ctrl_c_ends_a_test_score_that_does_not_come test_score_at_once

test_score_in_time() {
    TIMEOUT=10
    spec late "evaluate_hangs evaluate=1"
    rung 0 run late.json --db late.db --time-limit 1
    has err "no test score"
    same "finished|" "$(sql late 'select status, test_metrics from searches')" status
    no_trainer_left late
}
check time_limit_ends_a_test_score_that_does_not_come test_score_in_time

test_score_of_broken_trainers() { # killed while its test score was asked for; when it goes on no trainer starts
    start broken "evaluate_hangs evaluate=1"
    until_true evaluating broken
    kill -9 $PID
    wait $PID || true
    kill $(awk '/^START/ { print $2 }' broken.log) 2>/dev/null || true
    rung 0 resume broken.db --set "trainer.command=[\"$PYTHON\", \"-S\", \"-E\", \"$FAULT/trainers/trainer.py\", \"exit_at_once\"]"
    has err "no test score"
    same start "$(sql broken 'select group_concat(kind) from failures')" failures
}
check test_score_is_worth_one_start test_score_of_broken_trainers

before_ready() {
    SEARCH=$FLAT start unready never_ready
    until_true test -s unready.log
    kill -INT $PID
    ends 130 3
    no_trainer_left unready
}
check ctrl_c_does_not_wait_for_trainers_that_are_not_ready before_ready

time_limit() {
    SEARCH=$FLAT start limited "sleep=0.2" --time-limit 0.3
    ends 3 10
    has err "time-limit" "rung resume limited.db"
    same "$(grep -c ^JOB limited.log)" "$(sql limited 'select count(*) from history')" "results of the jobs handed out"
    test "$(sql limited 'select count(*) from history')" -lt 6
    same interrupted "$(sql limited 'select status from searches')" status
    goes_on limited flat
}
check time_limit_exits_3_and_running_jobs_are_kept time_limit

limit_and_ctrl_c() {
    SEARCH=$FLAT LIMITS='"job_timeout": 100' start hung "silent from=0" --time-limit 0.5
    until_true jobs_out hung 2
    sleep 0.6
    kill -0 $PID
    kill -INT $PID
    ends 3 3
    no_trainer_left hung
}
check ctrl_c_ends_the_grace_of_a_limit limit_and_ctrl_c

# KEY LIMIT: stops with 3, again with 3 on resume without a change, and goes on when the limit is lifted.
limit() {
    local name=limit_$1 rows
    LIMITS="\"$1\": $2" run "$name" "sleep=0.05" 3
    has err "limits.$1" "rung resume $name.db"
    rows=$(sql "$name" 'select count(*) from history')
    test "$rows" -ge 1
    test "$rows" -lt 10
    rung 3 resume "$name.db" --quiet
    has err "limits.$1" "--set limits.$1="
    same "$rows" "$(sql "$name" 'select count(*) from history')" "rows after a refused resume"
    goes_on "$name" small --set "limits.$1=null"
}
check limits_calls_exits_3_and_a_resume_names_the_set limit calls 4
check limits_time_exits_3_and_a_resume_names_the_set limit time 0.2
check limits_score_exits_3_and_a_resume_names_the_set limit score 0.2

raised() {
    LIMITS='"calls": 2' COUNT=1 run raised "" 3
    rung 3 resume raised.db --quiet --set limits.calls=7
    goes_on raised small --set limits.calls=1000
}
check limits_can_be_raised_step_by_step raised

states_limit() {
    LIMITS='"state_bytes": 1' COUNT=1 run states "" 3
    has err "limits.state_bytes"
    goes_on states small --set limits.state_bytes=null
}
check limits_state_bytes_that_lets_nothing_go_on_exits_3 states_limit

# STATUS-TEXT EXIT NAME WORDS LIMITS
on_end() {
    printf '#!/bin/sh\nenv | grep ^RUNG_ | sort >"%s/%s.end"\n' "$DIR" "$3" >"$3.sh"
    chmod +x "$3.sh"
    EXTRA="\"on_end\": [\"./$3.sh\"]" LIMITS=$5 run "$3" "$4" "$2"
    has "$3.end" "RUNG_STATUS=$1" "RUNG_SEARCH=$3" "$3.db"
    if [ "$2" != 1 ]; then
        has "$3.end" "RUNG_BEST_SCORE=$("$RUNG" export "$3.db" --what leaderboard --format json | head -1 | sed 's/.*"score"://; s/,.*//')"
    fi
}
check on_end_runs_after_a_finished_search on_end finished 0 end_finished "" ''
check on_end_runs_after_a_limit on_end interrupted 3 end_limit "" '"calls": 3'
check on_end_runs_after_a_failed_search on_end failed 1 end_failed fail_final ''

on_end_interrupted() {
    printf '#!/bin/sh\necho $RUNG_STATUS >"%s/stop.end"\n' "$DIR" >stop.sh
    chmod +x stop.sh
    EXTRA='"on_end": ["./stop.sh"]' start stop "sleep=0.2"
    until_true jobs_out stop 1
    kill -INT $PID
    ends 130 10
    has stop.end interrupted
}
check on_end_runs_after_ctrl_c on_end_interrupted

finished() {
    run finished "" 0
    sqlite3 finished.db .dump >before
    cp finished.log started
    rung 0 resume finished.db
    has out "$(sql finished 'select score from leaderboard where rank = 1' | head -c 6)"
    sqlite3 finished.db .dump | cmp - before
    cmp started finished.log # no trainer was started
}
check resume_of_a_finished_search_prints_and_changes_nothing finished

unfinished_name() {
    LIMITS='"calls": 3' run named "" 3
    rung 2 run named.json --db named.db
    has err "rung resume"
    rung 0 resume named.db --quiet --set limits.calls=null
    spec named ""
    rung 0 run named.json --db named.db --quiet
    same "named named-2" "$(sql named 'select search from searches' | tr '\n' ' ' | sed 's/ $//')" searches
}
check run_onto_an_unfinished_search_is_refused_onto_a_finished_one_is_numbered unfinished_name

# ---- how a trainer is started ----

process() { # JQ-like: python expression over the first dumped line
    "$PYTHON" -S -E -c 'import json, sys
p = json.loads(open(sys.argv[1]).readline())
sys.exit(0 if eval(sys.argv[2]) else "not true: %s in %s" % (sys.argv[2], p))' dump "$1"
}

started() {
    mkdir -p specs
    SEARCH=$FLAT COUNT=1 EXTRA='"objective": {"goal": "minimize"}' spec started "dump=$DIR/dump"
    sed -i 's/"count": 1/"count": 1, "threads": 3, "settings": {"a": [1, null]}, "env": {"GPU": "gpu{slot}", "MKL_NUM_THREADS": "7"}/' started.json
    mv started.json specs
    (trap '' INT TERM PIPE; rung 0 run specs/started.json --db started.db --quiet)
    process 'p["session"] and p["policy"]'
    process 'p["input"] == ""'
    process "p['folder'] == '$DIR/specs'"
    process 'p["environment"]["RUNG_SLOT"] == "0" and p["environment"]["GPU"] == "gpu0"'
    process 'p["environment"]["OMP_NUM_THREADS"] == "3" and p["environment"]["OPENBLAS_NUM_THREADS"] == "3"'
    process 'p["environment"]["MKL_NUM_THREADS"] == "7"'
    process 'int(p["signals"]["SigBlk:"], 16) == 0 and int(p["signals"]["SigIgn:"], 16) & 0x4003 == 0'
    sed -n 2p dump | grep -qF '"settings": {"a": [1, null]}'
    sed -n 2p dump | grep -qF '"threads": 3'
}
check trainer_starts_in_its_own_session_with_default_signals_and_threads started

finish
