#!/bin/bash
# Long campaigns: searches whose trainers fail in every way now and then, while rung and its trainers are killed at random;
# and rounds of searches on hosts of their own, whose links are cut for 1 to 30 s, slow and lossy, whose workers are killed,
# and whose scheduler is. Each must end with the history and leaderboard of the same search left alone.
#
#   SOAK_SECONDS=300 SOAK_ROUNDS=20 SOAK_SEED=N tests/soak.sh
#
# Campaigns go on for so long, then come the rounds, four at once (SOAK_ROUNDS_AT_ONCE): most of their time they wait.
# The seed of a failure repeats it, but for timing.
#
# A line per campaign: its seed, what was done to it, whether it held. Exit 1 when one did not; its folder is then kept.
set -u
. "$(dirname "$0")/fault/lib.bash"
. "$FAULT/netns.bash"
. "$FAULT/rounds.bash"

SOAK_SECONDS=${SOAK_SECONDS:-300}
SOAK_ROUNDS=${SOAK_ROUNDS:-20}
SOAK_ROUNDS_AT_ONCE=${SOAK_ROUNDS_AT_ONCE:-4}
SOAK_SEED=${SOAK_SEED:-$((RANDOM * 32768 + RANDOM))}
END=$((SECONDS + SOAK_SECONDS))
KILLS=100 # of rung, in one campaign

# What is drawn is left in a variable: a shell of its own would draw other numbers.
choose() { # WORD…: CHOSEN is one of them
    shift $((RANDOM % $#))
    CHOSEN=$1
}

random_search() { # into SEARCH
    case $((RANDOM % 6)) in
    0) SEARCH='"algorithm": "hyperband", "max_iter": 27, "patience": true, "tol": 0.02' ;;
    1) SEARCH='"algorithm": "hyperband", "max_iter": 27, "variant": "dask", "patience": 6' ;;
    2) SEARCH='"algorithm": "hyperband", "max_iter": 64, "aggressiveness": 4, "variant": "table"' ;;
    3) SEARCH='"algorithm": "successive_halving", "models": 40, "max_iter": 30, "first_calls": 2' ;;
    4) SEARCH='"algorithm": "incremental", "models": 20, "max_iter": 12, "fits_per_score": 2, "decay_rate": 1' ;;
    5) SEARCH='"algorithm": "random", "models": 30, "max_iter": 10, "patience": 3, "tol": null' ;;
    esac
}

# Faults that are over after a while, so that with enough retries every model comes through.
random_faults() { # into FAULTS
    choose garbage foreign flood no_score no_state twice exit killed fail second_ready progress_falls silent \
        exit_at_once never_ready protocol_2 print
    FAULTS="$CHOSEN times=$((RANDOM % 5 + 1)) nan=1 memory=$((RANDOM % 2))"
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
    choose score fifo
    local -a options=(--quiet --trainers $((RANDOM % 5 + 1)) --set "search.priority=$CHOSEN")
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
    random_search
    search="$SEARCH, \"seed\": $RANDOM"
    random_faults
    words=$FAULTS
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

# ---- rounds on hosts ----

# NUMBER: what it searches, and how patient its scheduler is, come with the number
one_round() {
    local beats=(5 1 5 0.3)
    CUT_LEAST=1000 CUT_MOST=30000 GAP_MOST=7000 TIMES=2 ENOUGH=600 BEAT=${beats[$1 / 2 % 4]}
    RESET_MOST=$(awk -v b="$BEAT" 'BEGIN { print int(2000 * b) }')
    echo "--heartbeat $BEAT"
    if [ $(($1 % 2)) = 0 ]; then
        cp "$FAULT/../../examples/demo.json" whole.json
        rung 0 run whole.json --db whole.db --quiet
        slow_demo searched 1
    else
        SEARCH='"algorithm": "hyperband", "max_iter": 27, "seed": 5'
        run whole "memory=0 state=2000000" 0
        spec searched "memory=0 state=2000000 sleep=0.6"
    fi
    round searched whole "$1"
}

# NUMBER: with a network and a folder of its own, which is kept when it fails
round_apart() {
    local kept=${TMPDIR:-/tmp}/rung-soak-failed-$SOAK_SEED-round$1
    DIR=$DIR/round$1
    OUTCOME=$DIR/outcome
    NET=rung-$BASHPID
    mkdir "$DIR"
    cd "$DIR" || return 1
    trap net_stop EXIT
    trap 'exit 130' INT TERM
    RUNG_TEST_SEED=$SOAK_SEED
    net_start "$ROUND_HOSTS" || { echo "skip round $1: $NET_WHY"; return 0; }
    check "round $1" one_round "$1"
    [ "$FAILED" = 0 ] && grep -v '^plan' "$OUTCOME" | tr '\n' ' ' && echo && rm -rf "$DIR" && return 0
    cp -a "$DIR" "$kept"
    echo "seed $SOAK_SEED; kept in $kept"
    return 1
}

# Each is a process group of its own, so that all of it can be ended when this script is.
ROUNDS=()
rounds() {
    local i status=0
    trap 'end_rounds; rm -rf "$DIR"' EXIT
    for ((i = 0; i < SOAK_ROUNDS; i++)); do
        [ ${#ROUNDS[@]} -lt "$SOAK_ROUNDS_AT_ONCE" ] || next_round_ends || status=1
        set -m
        (round_apart $i) &
        set +m
        ROUNDS+=($!)
    done
    while [ ${#ROUNDS[@]} -gt 0 ]; do
        next_round_ends || status=1
    done
    return $status
}

next_round_ends() {
    local first=${ROUNDS[0]} status=0
    wait "$first" || status=$?
    ROUNDS=("${ROUNDS[@]:1}")
    return $status
}

end_rounds() {
    local one
    for one in "${ROUNDS[@]}"; do kill -TERM -- "-$one"; done 2>/dev/null
    for one in "${ROUNDS[@]}"; do wait "$one"; done 2>/dev/null
}

# ---- all of it ----

echo "SOAK_SEED=$SOAK_SEED SOAK_SECONDS=$SOAK_SECONDS SOAK_ROUNDS=$SOAK_ROUNDS"
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
rounds # not beside || or in an if: there `set -e` would do nothing in all of it
[ $? = 0 ] || { echo "not ok soak rounds, seed $SOAK_SEED"; exit 1; }
