#!/bin/bash
# Long campaigns: searches whose trainers fail in every way now and then, while rung and its trainers are killed at random;
# each must end with the history and leaderboard of the same search left alone.
#
#   SOAK_SECONDS=300 SOAK_SEED=N tests/soak.sh       goes on for so long; the seed of a failure repeats it, but for timing
#
# A line per campaign: its seed, what was done to it, whether it held. Exit 1 when one did not; its folder is then kept.
set -u
. "$(dirname "$0")/fault/lib.bash"

SOAK_SECONDS=${SOAK_SECONDS:-300}
SOAK_SEED=${SOAK_SEED:-$((RANDOM * 32768 + RANDOM))}
END=$((SECONDS + SOAK_SECONDS))
KILLS=100 # of rung, in one campaign

choose() { # WORD…: one of them
    shift $((RANDOM % $#))
    echo "$1"
}

random_search() {
    case $((RANDOM % 6)) in
    0) echo '"algorithm": "hyperband", "max_iter": 27, "patience": true, "tol": 0.02' ;;
    1) echo '"algorithm": "hyperband", "max_iter": 27, "variant": "dask", "patience": 6' ;;
    2) echo '"algorithm": "hyperband", "max_iter": 64, "aggressiveness": 4, "variant": "table"' ;;
    3) echo '"algorithm": "successive_halving", "models": 40, "max_iter": 30, "first_calls": 2' ;;
    4) echo '"algorithm": "incremental", "models": 20, "max_iter": 12, "fits_per_score": 2, "decay_rate": 1' ;;
    5) echo '"algorithm": "random", "models": 30, "max_iter": 10, "patience": 3, "tol": null' ;;
    esac
}

# Faults that are over after a while, so that with enough retries every model comes through.
random_faults() {
    local fault
    fault=$(choose garbage foreign flood no_score no_state twice exit killed fail second_ready progress_falls silent \
        exit_at_once never_ready protocol_2 print)
    echo "$fault times=$((RANDOM % 5 + 1)) nan=1 memory=$((RANDOM % 2))"
}

in_database() { # NAME
    test "$(sqlite3 -readonly -cmd '.timeout 5000' "$1.db" 'select count(*) from searches' 2>/dev/null)" = 1
}

ended() { # NAME
    test "$(sqlite3 -readonly -cmd '.timeout 5000' "$1.db" 'select status from searches' 2>/dev/null)" = finished
}

kill_a_trainer() { # NAME
    local pid
    pid=$(awk '/^START/ { print $2 }' "$1.log" | tail -n 6 | shuf -n 1)
    if [ -n "$pid" ] && grep -qsF "$DIR/$1.log" "/proc/$pid/cmdline"; then
        kill -9 "$pid" 2>/dev/null && trainer_kills=$((trainer_kills + 1))
    fi
}

# One start of rung, ended by a kill, by Ctrl-C or by itself.
one_start() { # NAME
    local name=$1 pid naps
    local -a options=(--quiet --trainers $((RANDOM % 5 + 1)) --set "search.priority=$(choose score fifo)")
    if in_database "$name"; then
        "$RUNG" resume "$name.db" "${options[@]}" >out 2>err </dev/null &
    else
        "$RUNG" run "$name.json" --db "$name.db" "${options[@]}" >out 2>err </dev/null &
    fi
    pid=$!
    for ((naps = RANDOM % 5; naps >= 0; naps--)); do
        sleep "0.$(printf %03d $((RANDOM % 150 + 5)))"
        [ $((RANDOM % 3)) = 0 ] && kill_a_trainer "$name"
    done
    if [ $((RANDOM % 8)) = 0 ]; then
        kill -INT $pid 2>/dev/null
        [ $((RANDOM % 2)) = 0 ] && kill -INT $pid 2>/dev/null
    else
        kill -9 $pid 2>/dev/null && rung_kills=$((rung_kills + 1))
    fi
    wait $pid 2>/dev/null
    local status=$?
    case $status in
    0 | 130 | 137 | 143) return 0 ;;
    esac
    echo "a start of rung ended with $status:"
    cat err
    return 1
}

campaign() { # NUMBER
    local name=campaign$1 search words rung_kills=0 trainer_kills=0
    RANDOM=$((SOAK_SEED + $1))
    search="$(random_search), \"seed\": $RANDOM"
    words=$(random_faults)
    SEARCH=$search LIMITS='"retries": 2' COUNT=2 run "whole$1" "nan=1" 0 || return 1
    SEARCH=$search LIMITS='"retries": 1000, "job_timeout": 1.5, "start_timeout": 3' \
        spec "$name" "$words sleep=0.0$((RANDOM % 50 + 30))"
    while [ $rung_kills -lt $KILLS ] && ! ended "$name" && [ $SECONDS -lt $END ]; do
        one_start "$name" || return 1
    done
    TIMEOUT=120 rung 0 resume "$name.db" --quiet || return 1
    same_result "$name" "whole$1" || return 1
    same ok "$(sqlite3 "$name.db" 'pragma integrity_check')" integrity || return 1
    same 1 "$(ls -A "$name.db.states/$name" | wc -l)" "states at the end" || return 1
    echo "campaign $1 (seed $SOAK_SEED): $rung_kills kills of rung, $trainer_kills of trainers, $(sql "$name" 'select count(*) from failures') failures; $words; $search"
}

echo "SOAK_SEED=$SOAK_SEED SOAK_SECONDS=$SOAK_SECONDS"
campaigns=0
while [ $SECONDS -lt $END ]; do
    if ! campaign $campaigns >report 2>>noise; then
        cat report
        cp -a "$DIR" "${TMPDIR:-/tmp}/rung-soak-failed-$SOAK_SEED-$campaigns"
        echo "not ok soak campaign $campaigns, seed $SOAK_SEED; kept in ${TMPDIR:-/tmp}/rung-soak-failed-$SOAK_SEED-$campaigns"
        exit 1
    fi
    tail -n 1 report
    rm -rf "whole$campaigns".* "campaign$campaigns".*
    campaigns=$((campaigns + 1))
done
echo "ok soak: $campaigns campaigns"
