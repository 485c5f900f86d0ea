#!/bin/bash
# Trainers that break the protocol: each way is an attempt of the job it had, and the trainer is replaced.
#
# This file, attempts.sh and start.sh hold the table "What goes wrong, and what it costs" in docs/protocol.md, a test or
# more per row.
. "$(dirname "$0")/lib.bash"

baseline good
flat_baseline

protocol_fault() { # NAME FAULT REASON
    check "$1" protocol_fault_once_and_always "$2" "$3"
}

protocol_fault_once_and_always() {
    struck_and_replaced "$1" protocol "$2"
    struck_always "$1" protocol "$2"
}

protocol_fault protocol_garbage_is_an_attempt garbage "no JSON"
protocol_fault protocol_json_that_is_no_object_is_an_attempt not_an_object "no JSON object"
protocol_fault protocol_invalid_utf8_is_an_attempt not_utf8 "no JSON"
protocol_fault protocol_duplicate_keys_are_an_attempt two_keys "no JSON"
protocol_fault protocol_unknown_message_is_an_attempt unknown_type "unknown type \"hello\""
protocol_fault protocol_message_without_type_is_an_attempt no_type "no \"type\""
protocol_fault protocol_answer_to_a_foreign_job_is_an_attempt foreign "which it does not have"
protocol_fault protocol_missing_job_is_an_attempt no_job "no \"job\""
protocol_fault protocol_missing_score_is_an_attempt no_score "no \"score\""
protocol_fault protocol_wrongly_typed_score_is_an_attempt wrong_score "not a number"
protocol_fault protocol_wrongly_typed_metrics_are_an_attempt wrong_metrics "not an object"
protocol_fault protocol_wrongly_typed_seconds_are_an_attempt wrong_seconds "not a number"
protocol_fault protocol_negative_examples_are_an_attempt wrong_examples "whole number"
protocol_fault protocol_line_of_ten_megabytes_is_an_attempt flood "more than 1 MiB"
protocol_fault protocol_second_ready_is_an_attempt second_ready "second ready"
protocol_fault protocol_falling_progress_is_an_attempt progress_falls "does not rise"
protocol_fault protocol_progress_beyond_the_job_is_an_attempt progress_beyond "does not rise"
protocol_fault protocol_missing_state_file_is_an_attempt no_state "state file"

# A second answer finds its trainer with another job, or with none: only the first case is an attempt of a job.
double_result() {
    COUNT=1 run twice "twice times=1" 0
    same_result twice good
    same 10 "$(sql twice 'select count(*) from history')" "results"
    same 0 "$(sql twice "select count(*) from failures where kind <> 'protocol'")" "failures of other kinds"
    same 2 "$(grep -c ^START twice.log)" "trainers started"
}
check protocol_double_result_is_recorded_once double_result

metric_missing() {
    EXTRA='"objective": {"metric": "auc", "goal": "minimize"}' SEARCH=$FLAT LIMITS='"retries": 0' run auc "" 1
    failures auc protocol 4 'no "auc"'
    EXTRA='"objective": {"metric": "auc", "goal": "minimize"}' SEARCH=$FLAT run auc_good "metric=auc" 0
    same 4 "$(sql auc_good "select count(*) from leaderboard where score = json_extract(metrics, '\$.auc')")" "scores"
    same 1 "$(sql auc_good "select score = (select min(score) from models) from leaderboard where rank = 1")" "the best"
}
check protocol_result_without_the_objective_is_an_attempt metric_missing

prints() {
    run prints print 0
    same_result prints good
    same 0 "$(sql prints 'select count(*) from failures')" failures
    cat prints.db.logs/prints/*.log >prints.out
    has prints.out '"score":99' "warning: something 199"
    "$RUNG" logs prints.db 0 >logs.out
    has logs.out '"score":99'
}
check protocol_prints_do_no_harm prints

finish
