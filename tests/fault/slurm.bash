# A Slurm cluster on this machine, for one test: a munged, a slurmctld and four slurmd (nodes n0 to n3, one processor
# each), all in a folder of the test and on ports that were free. Sourced, after lib.bash.
#
#   slurm_available || …            whether one can be tried; prints why not
#   slurm_start "$DIR/slurm" || …   at most 20 s; after failure it has printed the logs, and nothing runs
#   slurm_stop                      ends all of it and every job, by force; may be called at any time
#
# In between, sbatch, squeue and the others find the cluster by SLURM_CONF. The folder has slurm.conf, and NAME.pid and
# NAME.log of slurmctld, n0, n1, n2 and n3. Partitions: main, and short, where a job may take a minute. All of it also
# ends when the shell that called slurm_start does, even killed.

PATH=$PATH:/usr/sbin:/sbin # where Debian has daemons, and not everyone looks
CLUSTER=                   # the folder
CLUSTER_KEEPER=            # the process all others come from

slurm_available() {
    local one missing=
    for one in munged slurmctld slurmd sbatch scancel scontrol sinfo squeue srun; do
        command -v $one >/dev/null || missing="$missing $one"
    done
    [ -z "$missing" ] || { echo "there is no$missing"; return 1; }
    one=$(slurmctld -V 2>&1) || { echo "slurmctld does not run: $one"; return 1; }
}

# COUNT: none of those that the system gives to who connects, which could be taken before the daemons start
slurm_ports() {
    "$PYTHON" -S -E -c "
import random, socket
low = int(open('/proc/sys/net/ipv4/ip_local_port_range').read().split()[0])
held = []
while len(held) < $1:
    try:
        held.append(socket.create_server(('', random.randrange(min(low - 1000, 10000), low))))
    except OSError:
        pass
print(*(one.getsockname()[1] for one in held))"
}

slurm_configure() {
    local host user ports i
    host=$(uname -n)
    host=${host%%.*}
    user=$(id -un)
    read -ra ports <<<"$(slurm_ports 5)"
    cat <<END
ClusterName=rung
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[4]}
SlurmUser=$user
SlurmdUser=$user
AuthInfo=socket=$CLUSTER/munge.socket
StateSaveLocation=$CLUSTER/state
SlurmdSpoolDir=$CLUSTER/%n
SlurmctldPidFile=$CLUSTER/slurmctld.pid
SlurmdPidFile=$CLUSTER/%n.pid
SlurmctldLogFile=$CLUSTER/slurmctld.log
SlurmdLogFile=$CLUSTER/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MailProg=$(type -P true)
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
ReturnToService=2
CompleteWait=0
KillWait=2
MinJobAge=2
END
    for i in 0 1 2 3; do
        echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[$i]} CPUs=1"
    done
    echo "PartitionName=main Nodes=n[0-3] Default=YES"
    echo "PartitionName=short Nodes=n[0-3] MaxTime=1"
}

slurm_idle() {
    [ "$(timeout 3 sinfo --noheader --partition=main --states=idle --format=%D 2>/dev/null)" = 4 ]
}

slurm_logs() {
    tail -n 25 "$CLUSTER"/*.log
}

slurm_start() { # FOLDER: its path without blanks
    local munge parent=$BASHPID deadline=$((SECONDS + 20))
    unset "${!SLURM_@}" "${!SBATCH_@}" "${!SCANCEL_@}" "${!SQUEUE_@}" # this may be a job of another cluster
    mkdir -p "$1"/{state,n0,n1,n2,n3} || return
    CLUSTER=$(cd "$1" && pwd -P)
    export SLURM_CONF=$CLUSTER/slurm.conf
    slurm_configure >"$SLURM_CONF"
    echo CgroupPlugin=cgroup/v1 >"$CLUSTER/cgroup.conf" # nothing uses it; found by itself it must be mounted
    (umask 077 && head -c 64 /dev/urandom >"$CLUSTER/munge.key")
    # by force: a folder for temporary files is no place for its socket, it says
    munge="--foreground --force --socket=munge.socket --key-file=munge.key --pid-file=munge.pid --seed-file=munge.seed"
    (cd "$CLUSTER" && exec "$PYTHON" -S -E "$FAULT/keep.py" "$parent" "munged $munge >munge.log 2>&1" \
        "slurmctld -D" "slurmd -D -N n0" "slurmd -D -N n1" "slurmd -D -N n2" "slurmd -D -N n3") \
        >"$CLUSTER/keep.log" 2>&1 </dev/null &
    CLUSTER_KEEPER=$!
    until slurm_idle; do
        sleep 0.1
        [ $SECONDS -le $deadline ] && ! grep '^ended with' "$CLUSTER/keep.log" && continue
        slurm_logs
        echo "the nodes are not idle:"
        timeout 3 sinfo --Node 2>&1
        slurm_stop
        return 1
    done
}

slurm_stop() {
    local i
    unset SLURM_CONF
    for ((i = 0; i < 200; i++)); do
        # by now the number may be that of another process
        grep -qsF keep.py "/proc/${CLUSTER_KEEPER:-none}/cmdline" || { CLUSTER_KEEPER=; return 0; }
        [ $i = 0 ] && kill "$CLUSTER_KEEPER" 2>/dev/null
        sleep 0.05
    done
    echo "process $CLUSTER_KEEPER has not ended the cluster in 10 s"
    return 1
}
