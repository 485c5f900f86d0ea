#!/bin/bash
# Attempts that fail, time out, end or are lost with their trainer: what each costs, how they are counted.
. "$(dirname "$0")/lib.bash"

baseline good
flat_baseline

# ---- failure ----

retried_elsewhere() {
    SEARCH='"algorithm": "random", "models": 1, "max_iter": 3' LIMITS='"retries": 1' run elsewhere "fail slot=0" 0
    failures elsewhere failure 1 "the moon is full"
    same "0 1" "$(awk '/^JOB/ { print $3 }' elsewhere.log | tr '\n' ' ' | sed 's/ $//')" "slots that had the job"
    same 2 "$(awk '/^JOB/ { print $4 }' elsewhere.log | sort -u | wc -l)" "job numbers"
}
check failure_with_retry_is_retried_elsewhere retried_elsewhere

retried_alone() {
    COUNT=1 run alone "fail_retry times=1" 0
    failures alone failure 1 "the moon is full"
    same 1 "$(grep -c ^START alone.log)" "trainers started"
    same_result alone good
}
check failure_with_retry_of_the_only_trainer_is_retried_there retried_alone
check failure_does_not_replace_the_trainer struck_once fail failure "the moon is full"
check failure_without_reason_says_so struck_once fail_mute failure "it gave no reason"

not_retried() {
    SEARCH=$FLAT run final "fail_final models=2" 0
    failures final failure 1 "cannot work"
    same "2|failed|cannot work" "$(sql final "select model, status, reason from models where status = 'failed'")" "failed model"
    same 2 "$(sql final 'select model from leaderboard order by rank desc limit 1')" "last of the leaderboard"
    same_but final flat 2
    same 1 "$(awk '/^START/ { print $3 }' final.log | sort | uniq -c | sort -n | awk 'END { print $1 }')" "starts of a slot"
}
check failure_without_retry_fails_that_model_only not_retried

all_fail() {
    run all_fail fail_final 1
    has err "finite score"
    same failed "$(sql all_fail 'select status from searches')" status
    same 6 "$(sql all_fail "select count(*) from models where status = 'failed'")" "failed models"
}
check failure_of_all_models_exits_1 all_fail

halving_goes_on() {
    run halved "fail_final from=0 models=0,1,2,3,4" 0
    same "5|4" "$(sql halved "select model, calls from leaderboard where rank = 1")" winner
    same 0 "$(sql halved "select count(*) from leaderboard where status = 'failed' and rank = 1")"
}
check failure_of_models_does_not_hold_up_their_bracket halving_goes_on

exhausted() {
    SEARCH=$FLAT LIMITS='"retries": 3' run exhausted "fail_retry models=1" 0
    failures exhausted failure 4 "the moon is full"
    same "1|failed|0" "$(sql exhausted "select model, status, calls from models where status = 'failed'")" "failed models"
    same 1 "$(sql exhausted 'select model from leaderboard order by rank desc limit 1')" "last of the leaderboard"
    same_but exhausted flat 1
    SEARCH=$FLAT LIMITS='"retries": 0' run never "fail_retry models=1" 0
    failures never failure 1 "the moon is full"
}
check retries_exhausted_fails_that_model_only_and_ranks_it_last exhausted

attempts_start_afresh() { # each of a model's three jobs fails once
    LIMITS='"retries": 1' run afresh "fail_retry each=1" 0
    failures afresh failure 10 "the moon is full"
    same_result afresh good
}
check retries_are_counted_per_job attempts_start_afresh

attempts_are_kept() { # one attempt before a kill of rung, one after: with one retry that is all
    local pid
    SEARCH=$FLAT LIMITS='"retries": 1' spec kept "fail_retry models=0 times=1 sleep=0.2"
    "$RUNG" run kept.json --db kept.db --quiet --trainers 1 >out 2>err </dev/null &
    pid=$!
    until_true one_failure kept
    kill -9 $pid
    wait $pid || true
    rung 0 resume kept.db --quiet --trainers 1 --set "trainer.command=[\"$PYTHON\", \"-S\", \"-E\", \"$FAULT/trainers/trainer.py\", \"fail_retry\", \"models=0\"]"
    failures kept failure 2 "the moon is full"
    same "0|failed" "$(sql kept "select model, status from models where status = 'failed'")" "failed models"
}
one_failure() {
    test "$(sqlite3 -readonly "$1.db" 'select count(*) from failures' 2>/dev/null)" = 1
}
check retries_are_counted_over_a_resume attempts_are_kept

# ---- time, ends, losses ----

check timeout_kills_and_replaces_the_trainer_and_is_an_attempt \
    struck_and_replaced silent timeout "no answer" '"job_timeout": 0.5'
check timeout_each_time_fails_that_model_only struck_always silent timeout "no answer" '"job_timeout": 0.3'

progress_is_life() {
    LIMITS='"job_timeout": 0.6' SEARCH='"algorithm": "random", "models": 2, "max_iter": 10' run alive "sleep=0.1" 0
    same 0 "$(sql alive 'select count(*) from failures')" failures
}
check timeout_counts_from_the_last_progress progress_is_life

check exit_replaces_the_trainer_and_is_an_attempt struck_and_replaced exit exit "exit status 7"
check exit_each_time_fails_that_model_only struck_always exit exit "exit status 7"

last_lines() {
    run last_lines "exit times=1" 0
    sql last_lines 'select log from failures' >log.out
    same 20 "$(wc -l <log.out)" "lines of log"
    same "last words 21" "$(head -1 log.out)" "first line of log"
    same "last words 40" "$(tail -1 log.out)" "last line of log"
    logs_say last_lines exit "exit status 7"
    has logs.out "last words 40"
}
check exit_keeps_the_last_20_log_lines last_lines

check lost_trainer_is_redone_without_an_attempt struck_and_replaced killed lost "signal 9"

lost_20() {
    LIMITS='"retries": 0' run lost_20 "killed models=2 times=20" 0
    failures lost_20 lost 20 "signal 9"
    same_result lost_20 good
}
check lost_20_times_is_still_no_attempt lost_20

lost_21() {
    SEARCH=$FLAT LIMITS='"retries": 0' run lost_21 "killed models=2" 0
    failures lost_21 lost 21 "signal 9"
    same "2|failed" "$(sql lost_21 "select model, status from models where status = 'failed'")" "failed models"
    same_but lost_21 flat 2
}
check lost_21_times_fails_that_model_only lost_21

# Its child holds the socket, which so is not at end of file; killing that child is not killing the trainer.
with_child() {
    local began=$SECONDS
    LIMITS='"retries": 0' run with_child "killed_with_child times=1" 0
    failures with_child lost 1 "signal 9"
    same_result with_child good
    test $((SECONDS - began)) -le 4
}
check lost_trainer_whose_child_holds_its_socket_is_lost with_child

# Each job but the first reaches a trainer that has left, or does not.
one_shot() {
    LIMITS='"retries": 0' COUNT=1 run one_shot one_shot 0
    same 0 "$(sql one_shot "select count(*) from failures where kind <> 'lost'")" "attempts that failed"
    same 10 "$(grep -c ^DONE one_shot.log)" "jobs done"
    same_result one_shot good
}
check trainer_that_leaves_after_each_answer_loses_no_attempt one_shot

finish
