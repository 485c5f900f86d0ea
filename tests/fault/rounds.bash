# A search on four hosts of their own, one worker of one trainer each, while links are cut, slow and lossy, workers are
# killed and started again, and the scheduler is killed and resumed. Sourced after lib.bash and netns.bash; a search is
# NAME.json, and writes to NAME.db. What is done when comes from RUNG_TEST_SEED.

ROUND_HOSTS=4
ROUND_PORT=7700
BEAT=${BEAT:-0.3}                # --heartbeat: a worker silent for three of them is gone
CUT_LEAST=${CUT_LEAST:-100}      # milliseconds of a cut
CUT_MOST=${CUT_MOST:-2000}
RESET_MOST=${RESET_MOST:-600}    # of one after which connections are reset: shorter than three heartbeats
GAP_MOST=${GAP_MOST:-700}        # milliseconds from one event to the next
ORPHAN=${ORPHAN:-60}             # seconds, more than any cut: nobody leaves by himself
DECK=${DECK:-cut worker shape cut scheduler unplug worker reset shape scheduler freeze cut reset reset}
TIMES=${TIMES:-1}                # so often the deck is gone through, unless the search ends before

# ---- who runs where ----

in_database() { # NAME: the search's row is committed
    test "$(sqlite3 -readonly -cmd '.timeout 5000' "$1.db" 'select count(*) from searches' 2>/dev/null)" = 1
}

scheduler_start() { # NAME
    local command=(run "$1.json")
    in_database "$1" && command=(resume)
    host_start 0 "$RUNG" "${command[@]}" --db "$1.db" --quiet --trainers 0 --listen ":$ROUND_PORT" --key rung.key \
        --heartbeat "$BEAT" >"$1.out" 2>>"$1.err" </dev/null
    SCHEDULER=$HOST_PID
}

worker_start() { # NAME HOST
    TMPDIR=$DIR host_start "$2" "$RUNG" worker "$(net_address "$2"):$ROUND_PORT" --key rung.key --trainers 1 \
        --orphan-timeout "$ORPHAN" 2>>"$1.worker$2.err" </dev/null
    WORKERS[$2]=$HOST_PID
}

all_start() { # NAME
    local i
    WORKERS=()
    [ -e rung.key ] || "$RUNG" key rung.key >/dev/null
    scheduler_start "$1"
    for ((i = 1; i <= ROUND_HOSTS; i++)); do worker_start "$1" "$i"; done
}

running() {
    kill -0 "$1" 2>/dev/null
}

killed() { # PROCESS
    kill -9 "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

scheduler_ends() { # NAME SECONDS: well, and by itself
    local i status=0
    for ((i = 0; i < $2 * 10; i++)); do
        running "$SCHEDULER" || break
        sleep 0.1
    done
    running "$SCHEDULER" && { echo "the search did not end"; shown "$1"; return 1; }
    wait "$SCHEDULER" || status=$?
    same 0 $status "exit status of the scheduler" || { shown "$1"; return 1; }
}

shown() { # NAME: what there is to see when something went wrong
    tail -n 12 "$1.err" "$1".worker*.err
    sqlite3 -readonly "$1.db" 'select status, reason from searches; select kind, reason, count(*) from failures group by 1, 2;
        select status, count(*) from models group by 1' || true
}

# ---- what must hold ----

# NAME: after a kill of the scheduler. What is recorded holds what it held before as its beginning, and no number from now
# on is one of a job that was handed out: the next start takes new ones.
remember() {
    local ceiling
    ! [ -e "$1.kept.csv" ] || is_kept "$1"
    ceiling=$(sqlite3 -readonly "$1.db" 'select next_job from search')
    sqlite3 -readonly -separator ' ' "$1.db" "select $ceiling, model, partial_fit_calls from history order by seq" >>"$1.recorded"
    echo "$ceiling" >>"$1.ceilings"
    "$RUNG" export "$1.db" --what history >"$1.kept.csv"
}

is_kept() { # NAME
    "$RUNG" export "$1.db" --what history >"$1.now.csv"
    head -c "$(stat -c %s "$1.kept.csv")" "$1.now.csv" | cmp - "$1.kept.csv"
}

recorded_once() { # NAME
    same "" "$(sql "$1" 'select model, partial_fit_calls from history group by 1, 2 having count(*) > 1')" "recorded twice"
    ! [ -e "$1.kept.csv" ] || is_kept "$1"
}

# NAME: the jobs that trainers say they got, against what was recorded when
handed_out_once() {
    touch "$1.recorded" "$1.ceilings"
    sql "$1" 'select model, to_call, count(*) from failures where model is not null group by 1, 2' | tr '|' ' ' >"$1.failed"
    "$PYTHON" -S -E - "$1" <<'END'
import bisect, sys
name = sys.argv[1]
table = lambda what: [[int(word) for word in line.split()] for line in open(name + "." + what)]
numbers = {}
for line in open(name + ".log"):
    words = line.split()
    if words and words[0] == "JOB":
        numbers.setdefault((int(words[4]), int(words[6])), set()).add(int(words[3]))
for ceiling, model, calls in table("recorded"):
    late = [number for number in numbers.get((model, calls), ()) if number >= ceiling]
    if late:
        sys.exit("model %d to call %d was recorded before jobs %s, which are the same" % (model, calls, late))
ceilings, failed = [row[0] for row in table("ceilings")], {(row[0], row[1]): row[2] for row in table("failed")}
for job, used in numbers.items():
    again = len(used) - len({bisect.bisect_right(ceilings, number) for number in used})
    if again > failed.get(job, 0):
        sys.exit("model %d to call %d was handed out as jobs %s, but failed %d times" % (*job, sorted(used), failed.get(job, 0)))
print("jobs that trainers got: %d, of which for another time: %d" % (
    sum(map(len, numbers.values())), sum(len(used) - 1 for used in numbers.values())))
END
}

# ---- what is done ----

now() {
    echo $((${EPOCHREALTIME/./} / 1000))
}

# All that will happen, drawn before any of it does, so that a seed repeats it whatever the timing: lines of
# PAUSE WHAT HOST LENGTH PERCENT. No subshell may draw: bash seeds each anew.
plan() {
    local deck i j times one
    PLAN=()
    for ((times = 0; times < TIMES; times++)); do
        read -ra deck <<<"$DECK"
        for ((i = ${#deck[@]} - 1; i >= 0; i--)); do
            j=$((RANDOM % (i + 1))) one=${deck[i]} deck[i]=${deck[j]} deck[j]=$one
        done
        for one in "${deck[@]}"; do
            case $one in
            shape) i=$((RANDOM % 80)) ;;
            reset) i=$((RANDOM % RESET_MOST)) ;;
            *) i=$((CUT_LEAST + (RANDOM * 32768 + RANDOM) % (CUT_MOST - CUT_LEAST + 1))) ;;
            esac
            PLAN+=("$((RANDOM % GAP_MOST + 50)) $one $((RANDOM % ROUND_HOSTS + 1)) $i $((RANDOM % 12))")
        done
    done
}

# Cuts of several links go on side by side, each until its time; a link that is cut already leaves it to the next.
part() { # WAY HOST MILLISECONDS
    local host=$2 i
    for ((i = 0; i < ROUND_HOSTS; i++)); do
        [ -n "${ENDS[host]-}" ] || break
        host=$((host % ROUND_HOSTS + 1))
    done
    [ -z "${ENDS[host]-}" ] || return 0
    ENDS[host]=$(($(now) + $3))
    WAY[host]=$1
    case $1 in
    cut | reset) link_down "$host" ;;
    unplug) link_unplug "$host" ;;
    freeze) kill -STOP "${WORKERS[$host]}" 2>/dev/null || true ;; # it may just have left
    esac
    CUTS=$((CUTS + 1))
}

mend() { # HOST
    case ${WAY[$1]} in
    cut) link_up "$1" ;;
    reset)
        link_forget "$1"
        link_up "$1"
        ;;
    unplug) link_plug "$1" ;;
    freeze) kill -CONT "${WORKERS[$1]}" 2>/dev/null || true ;;
    esac
    ENDS[$1]=
}

mend_those_due() { # [all]
    local i time
    time=$(now)
    for ((i = 1; i <= ROUND_HOSTS; i++)); do
        [ -n "${ENDS[i]-}" ] || continue
        if [ "$time" -ge "${ENDS[i]}" ] || [ "${1-}" = all ]; then mend "$i"; fi
    done
}

do_event() { # NAME WHAT HOST LENGTH PERCENT
    case $2 in
    cut | reset | unplug | freeze) part "$2" "$3" "$4" ;;
    shape) link_shape "$3" "$4" "$5" ;;
    worker)
        killed "${WORKERS[$3]}"
        worker_start "$1" "$3"
        ;;
    scheduler)
        killed "$SCHEDULER"
        if in_database "$1"; then remember "$1"; fi
        scheduler_start "$1"
        KILLS=$((KILLS + 1))
        ;;
    esac
}

# Nobody leaves before the search has ended: a worker whose scheduler is only out of reach waits.
none_has_left() { # NAME
    local i
    for ((i = 1; i <= ROUND_HOSTS; i++)); do
        running "${WORKERS[$i]}" && continue
        # the scheduler may still be saying goodbye to the others
        [ "$(sql "$1" 'select status from searches')" != finished ] || return 0
        echo "the worker on host $i has left"
        shown "$1"
        return 1
    done
}

wait_on() { # MILLISECONDS
    local until
    until=$(($(now) + $1))
    while [ "$(now)" -lt "$until" ] && running "$SCHEDULER"; do
        mend_those_due
        sleep 0.05
    done
}

faults() { # NAME
    local one pause event
    for one in "${PLAN[@]}"; do
        read -r pause event <<<"$one"
        wait_on "$pause"
        running "$SCHEDULER" || return 0
        none_has_left "$1"
        # shellcheck disable=SC2086
        do_event "$1" $event
    done
}

# NAME BASELINE NUMBER: one of several rounds of the same seed. The search was made by the caller, and is as the
# baseline's when it was left alone.
round() {
    local CUTS=0 KILLS=0 PLAN i ENDS=() WAY=() started=$SECONDS
    RANDOM=$((RUNG_TEST_SEED + $3))
    plan
    printf 'plan: %s\n' "$(printf '%s; ' "${PLAN[@]}")"
    all_start "$1"
    faults "$1"
    wait_on $((CUT_MOST / 2))
    mend_those_due all
    for ((i = 1; i <= ROUND_HOSTS; i++)); do link_shape $i 0 0; done
    scheduler_ends "$1" "${ENOUGH:-120}"
    for ((i = 1; i <= ROUND_HOSTS; i++)); do killed "${WORKERS[$i]}"; done
    recorded_once "$1"
    same_result "$1" "$2"
    handed_out_once "$1"
    test $((CUTS + KILLS)) -ge 3
    echo "$((SECONDS - started)) s, $CUTS cuts, $KILLS kills of the scheduler, $(sql "$1" 'select count(*) from failures') failures"
}

# ---- searches ----

# NAME SECONDS: examples/demo.json, whose jobs take so much longer; and the same results
slow_demo() {
    local slow="\"$PYTHON\", \"-S\", \"-E\", \"$FAULT/trainers/slow.py\", \"$2\", \"$DIR/$1.log\""
    sed "s|\"rung-trainer\", \"mlp\"|$slow, \"$(dirname "$RUNG")/rung-trainer\", \"mlp\"|" \
        "$FAULT/../../examples/demo.json" >"$1.json"
    has "$1.json" slow.py
    : >"$1.log"
}
