#!/bin/bash
# Which model states lie in the states folder, and when.
. "$(dirname "$0")/lib.bash"

HYPERBAND='"algorithm": "hyperband", "max_iter": 9, "seed": 3'
SEARCH=$HYPERBAND baseline good

only_the_best() { # NAME
    same "$(sql "$1" "select model || '.' || calls from leaderboard where rank = 1")" "$(ls -A "$1.db.states/$1")" "states"
}

at_the_end() {
    SEARCH=$HYPERBAND run end "nan=1" 0
    only_the_best end
    "$RUNG" best end.db --state copied >out
    cmp copied end.db.states/end/*
    head -1 copied | grep -q "^$(sql end 'select calls from leaderboard where rank = 1') "
}
check states_at_the_end_are_only_the_best_models at_the_end

# What was there when the database was last read may only become less: all models exist from the start.
within_bounds() { # NAME TRAINERS
    local alive files
    alive=$(sql "$1" "select count(*) from models where status in ('waiting', 'running', 'paused')
        or (status = 'plateaued')")
    for _ in 1 2 3 4 5; do # what a commit made dead goes right after it
        files=$(find "$1.db.states/$1" -type f 2>/dev/null | wc -l)
        [ "$files" -le $((alive + $2 + 1)) ] && return 0
        sleep 0.05
    done
    echo "$files states for $alive unfinished models and $2 trainers"
    return 1
}

never_more() {
    local pid looks=0
    SEARCH=$HYPERBAND spec during "sleep=0.02"
    "$RUNG" run during.json --db during.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true test -s during.log
    while kill -0 $pid 2>/dev/null; do
        within_bounds during 2
        looks=$((looks + 1))
    done
    wait $pid
    test $looks -ge 5
    only_the_best during
}
check states_are_never_more_than_unfinished_models_and_running_attempts never_more

orphans() {
    SEARCH=$HYPERBAND LIMITS='"calls": 20' run swept "" 3
    local states=swept.db.states/swept
    ls "$states" >kept
    for orphan in 0.1.77777 3.9 16.1 99.1 12.2.9; do
        grep -qx "$orphan" kept || echo orphan >"$states/$orphan"
    done
    echo mine >"$states/notes.txt"
    rung 3 resume swept.db --quiet --set limits.calls=30
    for orphan in 0.1.77777 99.1 12.2.9; do
        test ! -e "$states/$orphan"
    done
    rm -f "$states/notes.txt"
    rung 0 resume swept.db --quiet --set limits.calls=null
    only_the_best swept
    same_result swept good
}
check states_that_no_row_names_are_swept_at_resume orphans

failed_models() {
    SEARCH='"algorithm": "random", "models": 3, "max_iter": 2' run failed "fail_final models=1" 0
    only_the_best failed
}
check states_of_failed_models_and_attempts_are_deleted failed_models

no_winner() {
    run loser fail_final 1
    same "" "$(ls -A loser.db.states/loser)" states
}
check states_of_a_search_without_a_winner_are_none no_winner

plateaued() {
    SEARCH='"algorithm": "hyperband", "max_iter": 27, "patience": 3, "tol": 1, "seed": 3' run plateaued "" 0
    test "$(sql plateaued "select count(*) from models where status = 'plateaued'")" -gt 0
    only_the_best plateaued
}
check states_of_plateaued_models_go_unless_one_wins plateaued

asha() {
    SEARCH='"algorithm": "asha", "models": 20, "max_iter": 9' run asha "" 0
    only_the_best asha
    same 0 "$(sql asha "select count(*) from models where status not in ('stopped', 'completed')")" "models that wait for nothing"
}
check states_of_asha_at_its_end_are_only_the_best_models asha

# Who went on came to nothing, and who ranks first was stopped before that: its state is gone.
no_state_of_the_best() {
    spec stateless "nan_from=4"
    rung 0 run stateless.json --db stateless.db
    same "1|stopped" "$(sql stateless 'select rank, status from leaderboard limit 1')" "rank 1"
    has out "rung best stateless.db"
    same 0 "$(grep -ce --state out)" "lines that offer a state"
    "$RUNG" best stateless.db >parameters
    spec with ""
    rung 0 run with.json --db with.db
    has out "rung best with.db --state FILE"
}
check states_that_are_gone_are_not_offered_at_the_end no_state_of_the_best

finish
