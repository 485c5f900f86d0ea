# What the fault tests share: a folder of their own, specs, running rung, looking at what it recorded.
# Sourced, not run. Each check is a function that runs under `set -e` in a shell of its own; what it prints is shown
# when it fails.

FAULT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RUNG=${RUNG:-${RUNG_BIN:-$FAULT/../../bin}/rung}
DIR=$(mktemp -d "${TMPDIR:-/tmp}/rung-fault-XXXXXX") || exit 1
DIR=$(cd "$DIR" && pwd -P)
FAILED=0
OUTCOME=$DIR/outcome
trap 'chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT
trap 'exit 130' INT TERM

command -v python3 >/dev/null || { echo "skip all: there is no python3, in which the test trainers are written"; exit 0; }
command -v sqlite3 >/dev/null || { echo "skip all: there is no sqlite3 program"; exit 0; }
PYTHON=$(python3 -c 'import sys; print(sys.executable)') # not a wrapper around it: many are started
cd "$DIR" || exit 1

check() { # NAME COMMAND [ARGUMENT…]
    local name=$1 status
    shift
    # A shell of its own draws other random numbers, unless it is told where to begin.
    (RANDOM=${RUNG_TEST_SEED:-$RANDOM}; set -eE; trap 'echo "failed: $BASH_COMMAND (line $LINENO)" >&2' ERR; "$@") >"$OUTCOME" 2>&1
    status=$?
    if [ $status = 0 ]; then
        echo "ok $name"
    else
        echo "not ok $name"
        echo "exit status $status of: $*" >>"$OUTCOME"
        tail -n 60 "$OUTCOME" | sed 's/^/# /'
        FAILED=1
    fi
}

skip() { # NAME WHY
    echo "skip $1: $2"
}

finish() {
    exit $FAILED
}

# ---- specs ----

PARAMETERS='{"rate": {"log_uniform": [1e-4, 1]}, "width": {"int": [1, 64]}, "kind": {"choice": ["a", "b", "c"]}}'
# 6 models, of which 3 go on to call 2 and 1 to call 4: 11 calls, 10 results
SMALL='"algorithm": "successive_halving", "models": 6, "max_iter": 4, "aggressiveness": 2'

# NAME "WORDS": the words of the trainer after trainer.py. SEARCH, LIMITS, COUNT, EXTRA may be set beside the call; the
# search writes to NAME.db, its trainers to NAME.log
spec() {
    local name=$1 word words=
    for word in $2; do
        words="$words, \"$word\""
    done
    : >"$name.log"
    cat >"$name.json" <<END
{
  "name": "$name",
  "trainer": {"command": ["$PYTHON", "-S", "-E", "$FAULT/trainers/trainer.py"$words, "log=$DIR/$name.log"],
              "count": ${COUNT:-2}},
  "parameters": $PARAMETERS,
  "search": {${SEARCH:-$SMALL}},
  "limits": {${LIMITS:-"\"job_timeout\": 20"}}${EXTRA:+,
  $EXTRA}
}
END
}

# ---- running ----

# EXPECTED-STATUS ARGUMENT…: standard output goes to the file out, standard error to err. TIMEOUT: seconds it may take.
rung() {
    local want=$1 got=0
    shift
    timeout -k 5 "${TIMEOUT:-60}" "$RUNG" "$@" >out 2>err </dev/null || got=$?
    [ $got = "$want" ] && return 0
    echo "rung $*: exit status $got instead of $want"
    tail -n 20 out err
    return 1
}

# NAME "WORDS" STATUS: makes the spec and runs it
run() {
    spec "$1" "$2"
    rung "$3" run "$1.json" --db "$1.db" --quiet
}

# NAME: a search without faults, whose history others are compared with
baseline() {
    COUNT=1 run "$1" "" 0
}

# Polls the command until it succeeds, at most half a minute: other tests run beside this one.
until_true() {
    local i
    for ((i = 0; i < 1200; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.025
    done
    echo "not in 30 s: $*"
    return 1
}

# ---- looking ----

sql() { # NAME QUERY
    sqlite3 -readonly -cmd '.timeout 5000' "$1.db" "$2"
}

same() { # EXPECTED FOUND WHAT
    [ "$1" = "$2" ] && return 0
    printf '%s: %s\ninstead of: %s\n' "${3:-found}" "$2" "$1"
    return 1
}

has() { # FILE TEXT…: each text is in the file
    local file=$1 text
    shift
    for text; do
        grep -qF -- "$text" "$file" || { echo "no \"$text\" in $file:"; cat "$file"; return 1; }
    done
}

# NAME: the history and the leaderboard without what may differ between runs, in order of model and calls
normal() {
    "$RUNG" export "$1.db" --what history >"$1.history.csv"
    "$RUNG" export "$1.db" --what leaderboard >"$1.leaderboard.csv"
    "$PYTHON" -S -E "$FAULT/normal.py" "$1.history.csv" "$1.leaderboard.csv" >"$1.normal"
}

# NAME BASELINE: the same numbers and decisions
same_result() {
    normal "$1"
    normal "$2"
    cmp "$2.normal" "$1.normal" || { diff "$2.normal" "$1.normal" | head -20; return 1; }
}

# NAME BASELINE MODEL: as the baseline but for that model, which has no result there; only for searches without halving
same_but() {
    normal "$1"
    normal "$2"
    diff <(grep '^history' "$2.normal" | grep -v "^history model=$3 ") <(grep '^history' "$1.normal")
}

# NAME KIND COUNT REASON: failures of that kind with that reason, each with its trainer
failures() {
    same "$3" "$(sql "$1" "select count(*) from failures where kind = '$2' and trainer is not null")" "failures of kind $2"
    same "$3" "$(sql "$1" "select count(*) from failures where instr(reason, '$4')")" "failures with that reason" || {
        sql "$1" 'select kind, reason from failures'
        return 1
    }
}

# NAME KIND REASON: rung logs has a line with the trainer, the kind and the reason of a failure
logs_say() {
    "$RUNG" logs "$1.db" >logs.out
    grep -E "trainer [0-9]+: $2: " logs.out | grep -qF -- "$3" || { cat logs.out; return 1; }
}

# ---- a fault that strikes once, or each time ----

# They need: baseline good, and flat_baseline.
flat_baseline() { # models without halving, so that one that fails leaves the others as they were
    FLAT='"algorithm": "random", "models": 4, "max_iter": 3'
    SEARCH=$FLAT baseline flat
}

# FAULT KIND REASON [LIMITS]: the fault strikes once; the job is done again by a fresh trainer and nothing else changes.
struck_once() {
    local name=once_$1
    LIMITS=${4:-} spec "$name" "$1 times=1"
    rung 0 run "$name.json" --db "$name.db"
    grep -E "trainer [0-9]+: $2: " err | grep -qF -- "$3" || { cat err; return 1; }
    failures "$name" "$2" 1 "$3"
    logs_say "$name" "$2" "$3"
    same 0 "$(sql "$name" "select count(*) from models where status = 'failed'")" "failed models"
    same_result "$name" good
}

# … and the trainer that did it is replaced by another process.
struck_and_replaced() {
    COUNT=1 struck_once "$@"
    same 2 "$(grep -c ^START "once_$1.log")" "trainers started"
}

# FAULT KIND REASON [LIMITS]: strikes model 2 each time: an attempt and its retry, then that model fails, no other.
struck_always() {
    local name=always_$1
    SEARCH=$FLAT LIMITS="${4:+$4, }\"retries\": 1" run "$name" "$1 models=2" 0
    failures "$name" "$2" 2 "$3"
    same "2|1 2|2" "$(sql "$name" 'select model, attempt from failures order by attempt' | tr '\n' ' ' | sed 's/ $//')" "attempts"
    same "2|failed" "$(sql "$name" "select model, status from models where status = 'failed'")" "failed models"
    same 1 "$(sql "$name" "select instr(reason, '$3') > 0 from models where model = 2")" "reason in models"
    same 2 "$(sql "$name" 'select model from leaderboard order by rank desc limit 1')" "last of the leaderboard"
    same_but "$name" flat 2
}
