#!/bin/bash
# The Slurm cluster of the tests: it runs jobs and ends them, two of them keep apart, and nothing of it remains.
. "$(dirname "$0")/lib.bash"
. "$FAULT/slurm.bash"

WHY=$(slurm_available) || { echo "skip all: $WHY"; exit 0; }
trap 'slurm_stop; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT
if ! slurm_start "$DIR/slurm" >start.out; then
    sed 's/^/# /' start.out
    echo "skip all: Slurm is installed and does not start here: $(grep -m 1 -E 'fatal|error' start.out)"
    exit 0
fi

queue() {
    squeue --noheader --array --format='%i %t'
}

queue_is() { # LINES
    [ "$(queue | sort)" = "$1" ]
}

ended() { # PROCESS…
    local one
    for one; do
        [ ! -e "/proc/$one" ] || { tr '\0' ' ' <"/proc/$one/cmdline"; return 1; }
    done
}

srun_has_four_nodes() {
    srun --nodes=4 printenv SLURMD_NODENAME >out
    same "n0 n1 n2 n3" "$(sort out | tr '\n' ' ' | sed 's/ $//')" nodes
}

an_array_runs() {
    local job
    job=$(sbatch --parsable --array=0-3 --output="array-%a.out" <<<$'#!/bin/sh\necho $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID')
    until_true queue_is ""
    same "$(printf "$job %s\n" 0 1 2 3)" "$(cat array-?.out)" output
}

# NAME [OPTION…]: an array of two jobs; JOB is its number, NAME-0 and NAME-1 have the numbers of the processes
two_sleepers() {
    JOB=$(sbatch --parsable --array=0-1 --output=/dev/null "${@:2}" <<END
#!/bin/sh
echo \$\$ >$1-\$SLURM_ARRAY_TASK_ID
exec sleep 1000
END
    )
    until_true test -s "$1-0" -a -s "$1-1"
}

scancel_ends_one_task() {
    two_sleepers one
    same "${JOB}_0 R ${JOB}_1 R" "$(queue | sort | tr '\n' ' ' | sed 's/ $//')" queue
    scancel "${JOB}_0"
    until_true ended "$(cat one-0)"
    until_true queue_is "${JOB}_1 R"
    test -e "/proc/$(cat one-1)"
    scancel "$JOB"
    until_true ended "$(cat one-1)"
    until_true queue_is ""
}

two_clusters_keep_apart() {
    local first=$SLURM_CONF job
    two_sleepers apart
    job=$JOB
    slurm_start "$DIR/second"
    queue_is ""
    srun --nodes=4 true
    slurm_stop
    export SLURM_CONF=$first
    queue_is "$(printf "${job}_%s R\n" 0 1)"
    scancel "$job"
    until_true queue_is ""
}

# Here the shell that started it is gone without a word.
it_ends_with_its_shell() {
    (
        slurm_start "$DIR/third"
        two_sleepers third
        kill -9 "$BASHPID"
    ) || true
    until_true ended "$(cat third/n0.pid)" "$(cat third/n3.pid)" "$(cat third/slurmctld.pid)" "$(cat third/munge.pid)"
    until_true ended "$(cat third-0)" "$(cat third-1)"
}

# Daemons that are stopped or dead; jobs that do not want to end, also without parent and session.
nothing_remains() {
    local all
    : >jobs
    sbatch --array=0-3 --output=/dev/null <<'END'
#!/bin/bash
trap '' TERM HUP INT
setsid bash -c '(echo $BASHPID >>jobs; exec sleep 1000) &'
echo $$ $PPID >>jobs
while :; do sleep 1000; done
END
    until_true all_run
    all=$(cat jobs slurm/*.pid)
    kill -STOP "$(cat slurm/n0.pid)" "$(cat slurm/slurmctld.pid)"
    kill -KILL "$(cat slurm/n1.pid)"
    slurm_stop
    ended $all
    slurm_stop
}

all_run() {
    [ "$(wc -w <jobs)" = 12 ]
}

check "slurm: srun has four nodes" srun_has_four_nodes
check "slurm: an array of jobs runs" an_array_runs
check "slurm: scancel ends one task of an array, then the rest" scancel_ends_one_task
check "slurm: two clusters keep apart" two_clusters_keep_apart
check "slurm: a cluster ends with the shell that started it" it_ends_with_its_shell
check "slurm: nothing remains" nothing_remains
finish
