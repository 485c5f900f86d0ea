#!/bin/bash
# Workers from Slurm where its commands hang, fail or lie. They are played here by scripts, so this needs no cluster.
. "$(dirname "$0")/lib.bash"

SEARCH='"algorithm": "hyperband", "max_iter": 27, "seed": 5'
EXTRA='"cluster": {"address": "127.0.0.1"}'
: >started
export TMPDIR=$DIR # where workers have their folders

# What each command does instead of its work is in a file of its name in the folder fake: hang, fail, lie, or (sbatch)
# die: the tasks end at once.
mkdir bin fake tasks
cat >bin/common <<END
fake=$DIR/fake
tasks=$DIR/tasks
echo "\$0 \$*" >>$DIR/commands
case \$(cat \$fake/\$(basename \$0) 2>/dev/null) in
hang) echo \$\$ >>$DIR/hanging; sleep 1000; exit 1 ;;
fail) echo "it does not feel like it" >&2; exit 1 ;;
lie) echo "a lot has been done"; exit 0 ;;
die) die=1 ;;
esac
lives() { # PROCESS; one that is dead may wait for long for somebody who reaps it
    case \$(ps -o stat= -p "\${1:-none}" 2>/dev/null) in "" | Z*) return 1 ;; esac
}
END
cat >bin/sbatch <<'END'
#!/bin/bash
. "$(dirname "$0")/common"
script=$(cat)
for word; do
    case $word in
    --array=0-*) last=${word#--array=0-} ;;
    --output=*) output=${word#--output=} ;;
    esac
done
job=$(($(cat "$fake/job" 2>/dev/null || echo 40) + 1))
echo $job >"$fake/job"
echo "$script" >"$fake/script"
output=${output//%%/%}
for ((i = 0; i <= last; i++)); do
    log=${output/\%A/$job}
    echo >"$tasks/${job}_$i"
    [ -z "$die" ] || continue
    SLURM_ARRAY_JOB_ID=$job SLURM_ARRAY_TASK_ID=$i setsid sh -c "$script" >"${log/\%a/$i}" 2>&1 </dev/null &
    echo $! >"$tasks/${job}_$i"
done
echo "$job;played"
END
cat >bin/squeue <<'END'
#!/bin/bash
. "$(dirname "$0")/common"
for task in "$tasks"/*; do
    lives "$(cat "$task" 2>/dev/null)" && echo "$(basename "$task") RUNNING" ||
        echo "$(basename "$task") FAILED"
done
END
cat >bin/scancel <<'END'
#!/bin/bash
. "$(dirname "$0")/common"
[ "${3:-}" = --state=PENDING ] && exit
case $1 in
--*) set -- $(ls "$tasks") ;;
esac
for task; do
    [ -s "$tasks/$task" ] && kill "$(cat "$tasks/$task")" 2>/dev/null
done
exit 0
END
chmod +x bin/*
export PATH=$DIR/bin:$PATH

# Checks run in shells of their own, and may end in the middle: what was started is in files.
end_all() {
    for one in $(cat "$DIR/started" "$DIR"/tasks/* "$DIR/hanging" 2>/dev/null); do
        case $(ps -o comm= -p "$one") in rung | sbatch | squeue | scancel) kill -9 "$one" ;; esac
    done
}
trap 'end_all; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT

fresh() {
    rm -f fake/* tasks/* commands hanging
}

# NAME [OPTION…]: in the background; SCHEDULER is its process
hire() {
    "$RUNG" run "$1.json" --db "$1.db" --orphan-timeout 5 "${@:2}" >"$1.out" 2>"$1.err" </dev/null &
    SCHEDULER=$!
    echo $! >>started
}

ends() { # NAME STATUS
    local i status=0
    for ((i = 0; i < 600; i++)); do
        kill -0 "$SCHEDULER" 2>/dev/null || break
        sleep 0.1
    done
    kill -0 "$SCHEDULER" 2>/dev/null && { echo "it did not end"; tail -n 20 "$1.err"; return 1; }
    wait "$SCHEDULER" || status=$?
    same "$2" $status "exit status" || { cat "$1.err"; return 1; }
}

none_is_left() {
    local task
    for task in tasks/* hanging; do
        for process in $(cat "$task" 2>/dev/null); do
            case $(ps -o stat= -p "$process") in "" | Z*) ;; *) false ;; esac || { echo "$task: $process is left"; return 1; }
        done
    done
}

local_run() {
    run local "memory=0" 0
}

workers_come() {
    fresh
    spec come "memory=0 sleep=0.01"
    rung 0 run come.json --db come.db --slurm 3
    until_true none_is_left
    same_result come local
    same "3 remote" "$(sql come "select count(distinct trainer) || ' ' || kind from trainers group by kind")" trainers
    has commands "--job-name=rung-come-" "--array=0-2" "--cpus-per-task=1" "--output=$DIR/come.db.logs/come/slurm-%A_%a.log"
    grep -q -- "--key '\?$DIR/come.db.key'\? --trainers 1 --orphan-timeout 60\$" fake/script
    ! grep -q "$(cat come.db.key)" fake/script commands
}

# Each part of a path would mean something to a shell or to Slurm.
strange_paths() {
    local folder="it's \$HOME; a 100% \`x\` \"q\""
    fresh
    mkdir "$folder"
    EXTRA='"cluster": {"address": "127.0.0.1", "setup": ["ready=yes", "test $ready = yes || exit 1"],
        "arguments": ["--comment=a b"], "partition": "p", "memory": "1G", "time": "1h", "cpus": 2}' \
        spec strange "memory=0"
    rung 0 run strange.json --db "$folder/strange.db" --slurm 2
    cp "$folder/strange.db" strange.db
    same_result strange local
    has commands "--comment=a b" "--partition=p" "--mem=1G" "--time=60" "--cpus-per-task=2"
    test -s "$folder/strange.db.logs/strange/slurm-41_0.log"
}

a_shared_folder() {
    fresh
    mkdir -p shared
    EXTRA='"cluster": {"address": "127.0.0.1", "folder": "shared"}' spec folder "memory=0"
    rung 0 run folder.json --db folder.db --slurm 2
    test -s shared/rung.key -a -s shared/slurm-41_1.log
    test ! -e folder.db.key
    rung 0 run folder.json --db folder.db --slurm 2
    grep -q -- "--key '\?$DIR/shared/rung.key'\? " fake/script
}

# The process is gone without a word, long before its lease would be over.
a_dead_worker_is_replaced() {
    fresh
    spec replaced "memory=0 sleep=0.05"
    hire replaced --slurm 2 --heartbeat 10m
    until_true grep -q "rung 0" replaced.err
    kill -9 "$(cat tasks/41_0)"
    ends replaced 0
    same_result replaced local
    has replaced.err "is out of reach" "asks Slurm for 1 worker: job 42"
    until_true none_is_left
}

# A trainer of this machine does it alone.
sbatch_hangs() {
    fresh
    echo hang >fake/sbatch
    spec hangs "memory=0 sleep=0.01"
    hire hangs --slurm 4 --trainers 1
    ends hangs 0
    same_result hangs local
    test -s hanging
    until_true none_is_left
    has hangs.err "no worker came"
}

# … and until it ends, nothing else is held up: not even being told to stop.
all_hang() {
    fresh
    for one in sbatch squeue scancel; do echo hang >fake/$one; done
    spec hang_all "memory=0"
    hire hang_all --slurm 4
    until_true test -s hanging
    kill -TERM "$SCHEDULER"
    ends hang_all 130
    has hang_all.err "Slurm may still have workers of this search" "scancel --name=rung-hang_all-"
    until_true none_is_left
}

sbatch_fails() { # HOW TEXT
    fresh
    echo "$1" >fake/sbatch
    spec "fails_$1" "memory=0"
    hire "fails_$1" --slurm 4
    until_true has "fails_$1.err" "$2" "3 times in a row"
    same 1 "$(grep -c "$2" "fails_$1.err")" complaints
    rm fake/sbatch # from now on it works
    ends "fails_$1" 0
    same_result "fails_$1" local
}

workers_die() {
    fresh
    echo die >fake/sbatch
    spec die "memory=0"
    hire die --slurm 2
    until_true grep -q 'before they came' die.err || until_true has die.err \
        "workers ended before they came, 3 times in a row: see $DIR/die.db.logs/die/slurm-4" "$DIR/die.db.key"
    rm fake/sbatch
    ends die 0
    same_result die local
}

squeue_fails() {
    fresh
    echo fail >fake/squeue
    spec blind "memory=0 sleep=0.03"
    hire blind --slurm 2 --heartbeat 0.3
    until_true grep -q "rung 0" blind.err
    kill -9 "$(cat tasks/41_0)"
    ends blind 0
    same_result blind local
    same 1 "$(grep -c "Slurm: it does not feel like it" blind.err)" complaints
    until_true none_is_left
}

# Those of a user are not given back, and count: there are jobs for two.
workers_of_a_user() {
    local port
    fresh
    "$RUNG" key user.key >/dev/null
    SEARCH='"algorithm": "random", "models": 2, "max_iter": 8' EXTRA='"cluster": {"address": "127.0.0.1", "idle": 0.1}' \
        spec user "memory=0 sleep=0.2"
    echo hang >fake/sbatch
    hire user --slurm 4 --key user.key --listen 127.0.0.1:0
    until_true grep -q 'workers are taken' user.err
    port=$(sed -n 's/.*taken at port //p' user.err)
    for _ in 1 2 3; do
        "$RUNG" worker "127.0.0.1:$port" --key user.key --trainers 1 2>>worker.err </dev/null &
        echo $! >>started
    done
    ends user 0
    ! grep -q 'gives a worker back' user.err
}

check a_local_run_to_compare_with local_run
check workers_that_slurm_starts_give_the_same workers_come
check strange_paths_and_a_whole_cluster strange_paths
check a_folder_that_nodes_share a_shared_folder
check a_dead_worker_is_replaced_at_once a_dead_worker_is_replaced
check an_sbatch_that_hangs_holds_up_nothing sbatch_hangs
check commands_that_all_hang_hold_up_no_end all_hang
check an_sbatch_that_fails_is_tried_again sbatch_fails fail "it does not feel like it"
check an_sbatch_that_lies_is_tried_again sbatch_fails lie "sbatch printed no number of a job"
check workers_that_end_before_they_come workers_die
check a_squeue_that_fails_changes_nothing squeue_fails
check workers_of_a_user_are_left_alone workers_of_a_user
finish
