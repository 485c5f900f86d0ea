#!/bin/bash
# The same spec and seed give the same history and leaderboard, whatever the number of trainers, whoever is killed.
. "$(dirname "$0")/lib.bash"

HYPERBAND='"algorithm": "hyperband", "max_iter": 9, "seed": 11'
PATIENCE='"algorithm": "hyperband", "max_iter": 27, "patience": true, "tol": 0.02, "seed": 12'
DASK='"algorithm": "hyperband", "max_iter": 9, "variant": "dask", "patience": 3, "tol": 0.02, "seed": 13'

alike() { # NAME SEARCH WORDS
    local trainers priority name
    SEARCH=$2 COUNT=1 run "$1" "$3" 0
    for trainers in 1 2 5; do
        for priority in score fifo; do
            name=$1_${trainers}_$priority
            SEARCH=$2 spec "$name" "$3"
            rung 0 run "$name.json" --db "$name.db" --quiet --trainers $trainers --set search.priority=$priority
            same_result "$name" "$1"
        done
    done
    test "$(grep -c ^history "$1.normal")" -gt 10
}

some_plateau() {
    alike patience "$PATIENCE" nan=1
    test "$(sql patience "select count(*) from models where status = 'plateaued'")" -gt 0
    test "$(sql patience 'select count(*) from history where rung is null')" -gt 0
}

check same_with_1_2_5_trainers_and_both_priorities alike hyperband "$HYPERBAND" nan=1
check same_with_patience_on_1_2_5_trainers_and_both_priorities some_plateau
check same_with_dask_on_1_2_5_trainers_and_both_priorities alike dask "$DASK" ""

# ---- kill -9 ----

RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}

recorded_search() { # NAME: the search's row is committed
    test "$(sqlite3 -readonly "$1.db" 'select count(*) from searches' 2>/dev/null)" = 1
}

# NAME: how many lines the trainers had logged, and what was recorded, when rung had just been killed
remember() {
    local jobs
    jobs=$(wc -l <"$1.log")
    sqlite3 -readonly "$1.db" 'select model, partial_fit_calls from history order by seq' |
        sed "s/^/$jobs /; s/|/ /" >>"$1.recorded"
    "$RUNG" export "$1.db" --what history >"$1.kept.csv"
}

# NAME: after a kill the record holds what it held, as the beginning of what it holds now
is_kept() {
    local bytes
    bytes=$(stat -c %s "$1.kept.csv")
    "$RUNG" export "$1.db" --what history | head -c "$bytes" | cmp - "$1.kept.csv"
}

# NAME: no job that was handed out after a kill has a result that was recorded before it
none_twice() {
    "$PYTHON" -S -E - "$1.log" "$1.recorded" <<'END'
import sys
jobs = {}
for number, line in enumerate(open(sys.argv[1]), 1):
    words = line.split()
    if words[0] == "JOB":
        jobs.setdefault((words[4], words[6]), []).append(number)
for line in open(sys.argv[2]):
    before, model, calls = line.split()
    late = [number for number in jobs[model, calls] if number > int(before)]
    if late:
        sys.exit("model %s to call %s was recorded at line %s of the log and ran again at %s" % (model, calls, before, late))
END
}

# NAME TIMES OPTION…: starts the search of NAME.json and kills it, resumes it and kills it, …, lets it end
killed() {
    local name=$1 times=$2 i pid hits=0
    shift 2
    for ((i = 0; i < times; i++)); do
        if recorded_search "$name"; then
            "$RUNG" resume "$name.db" --quiet "$@" >out 2>err </dev/null &
        else
            "$RUNG" run "$name.json" --db "$name.db" --quiet "$@" >out 2>err </dev/null &
        fi
        pid=$!
        sleep "0.$(printf %03d $((RANDOM % 250 + 10)))"
        kill -9 $pid && hits=$((hits + 1))
        wait $pid || true
        recorded_search "$name" || continue
        test ! -e "$name.kept.csv" || is_kept "$name"
        remember "$name"
    done
    rung 0 resume "$name.db" --quiet "$@"
    is_kept "$name"
    none_twice "$name"
    echo "seed $RUNG_TEST_SEED: $hits of $times kills hit"
    test $((hits * 2)) -ge "$times"
}

killed_20() { # NAME BASELINE SEARCH WORDS
    echo "RUNG_TEST_SEED=$RUNG_TEST_SEED"
    SEARCH=$3 spec "$1" "sleep=0.02 $4"
    killed "$1" 20
    same_result "$1" "$2"
    same 0 "$(sql "$1" "select count(*) from failures")" failures
}

check same_after_20_kills_of_rung_and_no_recorded_job_runs_twice killed_20 killed patience "$PATIENCE" nan=1

killed_by_dask() {
    SEARCH=$DASK spec killed_dask "sleep=0.05"
    killed killed_dask 8
    same_result killed_dask dask
}
check same_with_dask_after_kills_of_rung killed_by_dask

killed_trainers() {
    local pid rung kills=0
    echo "RUNG_TEST_SEED=$RUNG_TEST_SEED"
    SEARCH=$HYPERBAND spec trainers "sleep=0.05 nan=1"
    "$RUNG" run trainers.json --db trainers.db --quiet >out 2>err </dev/null &
    rung=$!
    until_true test -s trainers.log
    while [ $kills -lt 15 ] && kill -0 $rung 2>/dev/null; do
        sleep "0.0$((RANDOM % 90 + 10))"
        pid=$(awk '/^START/ { print $2 }' trainers.log | tail -n 4 | shuf -n 1)
        grep -qsF "$DIR/trainers.log" "/proc/$pid/cmdline" || continue
        kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
    done
    wait $rung
    echo "$kills kills hit"
    test $kills -ge 5
    same_result trainers hyperband
    same 0 "$(sql trainers "select count(*) from failures where kind <> 'lost' and kind <> 'start'")" "failures of other kinds"
    test "$(sql trainers "select count(*) from failures where kind = 'lost'")" -ge 1
}
check same_after_kills_of_trainers killed_trainers

# ---- asha: what was recorded stays, and decides ----

ASHA='"algorithm": "asha", "models": 25, "max_iter": 9, "seed": 14'

asha_alone() {
    SEARCH=$ASHA COUNT=1 run asha_whole "" 0
    SEARCH=$ASHA COUNT=1 spec asha_alone "sleep=0.03"
    killed asha_alone 8
    same_result asha_alone asha_whole
}
check asha_of_one_trainer_is_the_same_after_kills_of_rung asha_alone

asha_many() {
    SEARCH=$ASHA COUNT=3 spec asha_many "sleep=0.06"
    killed asha_many 8
    same 25 "$(sql asha_many 'select count(*) from models')" models
}
check asha_of_3_trainers_goes_on_from_what_was_recorded asha_many

# ---- moved ----

moved() {
    SEARCH=$HYPERBAND LIMITS='"calls": 30' run moved nan=1 3
    mkdir -p elsewhere/deep
    mv moved.db moved.db.states moved.db.logs elsewhere/deep
    rm -f moved.db*
    rung 0 resume elsewhere/deep/moved.db --quiet --set limits.calls=null
    ln -s elsewhere/deep/moved.db moved.db
    same_result moved hyperband
    test ! -e moved.db.states
    same 0 "$(sqlite3 elsewhere/deep/moved.db 'select count(*) from failures')" failures
}
check database_states_and_logs_can_be_moved_together moved

finish
