#!/bin/bash
# What jobs cost that pass through workers: over TLS on this machine, against as many local trainers, in alternation.
# Trainers do nothing, so that all the machine's processors are left to the scheduler, its workers, and the way between;
# on a machine of its own, a worker would not be in the way of others.
set -u
BIN=${RUNG_BIN:-$PWD/bin}
BENCH=${RUNG_BENCH:-$PWD/build/tests/bench}
SHARED=/dev/shm # states go through a file on both sides: a disk would be what is measured
[ -w $SHARED ] || SHARED=${TMPDIR:-/tmp}
WORK=$(mktemp -d "$SHARED/rung-bench-XXXXXX") || exit 1
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
export TMPDIR=$WORK

python3 - "$BIN/rung" "$BENCH" "$WORK" "${RUNG_BENCH_ROUNDS:-3}" <<'P'
import json, os, re, shutil, sqlite3, statistics, subprocess, sys, tempfile, time

rung, bench, work, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
MODELS = 40000
subprocess.run([rung, "key", f"{work}/key"], check=True, stdout=subprocess.DEVNULL)


def processor_seconds(process):
    try:
        return int(open(f"/proc/{process.pid}/schedstat").read().split()[0]) / 1e9
    except (FileNotFoundError, IndexError):
        return 0


def run(states, workers, trainers):
    """Jobs a second and the processor seconds of a job, of the scheduler and of all workers; workers = 0: local trainers.
    The rate is that from 30 % to 95 % of the jobs: connecting and starting are not what is asked for."""
    folder = tempfile.mkdtemp(dir=work)
    spec = {"name": "bench", "trainer": {"command": [f"{bench}/noop"] + ["states"] * states},
            "parameters": {"x": {"uniform": [0, 1]}, "y": {"choice": [1, 2, 3]}},
            "search": {"algorithm": "random", "models": MODELS, "max_iter": 1}}
    json.dump(spec, open(f"{folder}/spec.json", "w"))
    command = [rung, "run", f"{folder}/spec.json", "--db", f"{folder}/a.db", "--trainers", str(0 if workers else trainers)]
    command += ["--listen", "127.0.0.1:0", "--key", f"{work}/key"] if workers else []
    started = []
    with open(f"{folder}/err", "w") as err:
        scheduler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
    try:
        while workers and not (port := re.search(r"at port (\d+)", open(f"{folder}/err").read())):
            if scheduler.poll() is not None:
                sys.exit(open(f"{folder}/err").read())
            time.sleep(0.005)
        for _ in range(workers):
            started.append(subprocess.Popen([rung, "worker", f"127.0.0.1:{port[1]}", "--key", f"{work}/key", "--trainers",
                                             str(trainers), "--quiet"], stdout=subprocess.DEVNULL))
        used = [0] * (1 + workers)
        while not os.waitid(os.P_PID, scheduler.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            used = [max(old, processor_seconds(one)) for old, one in zip(used, [scheduler] + started)]
            time.sleep(0.05) # looking costs, too
        status = scheduler.wait()
        for one in started:
            one.wait(20)
    finally:
        for one in [scheduler] + started:
            if one.poll() is None:
                one.kill()
                one.wait()
    if status != 0:
        sys.exit(f"rung ended with {status}: " + open(f"{folder}/err").read())
    database = sqlite3.connect(f"{folder}/a.db")
    times = [row[0] for row in database.execute("select elapsed_wall_time from history order by seq")]
    database.close()
    shutil.rmtree(folder)
    assert len(times) == MODELS
    first, last = int(0.3 * MODELS), int(0.95 * MODELS)
    return (last - first) / (times[last] - times[first]), used[0] / MODELS, sum(used[1:]) / MODELS


def figure(kind, samples, against=None):
    rate, scheduler, workers = (statistics.median(column) for column in zip(*samples))
    text = f"{kind:28} {rate:6.0f} jobs/s"
    if against:
        base = statistics.median(sample[0] for sample in against)
        text += f", {rate / base:.2f} of that; the workers' processor time per job {1e6 * workers:.0f} us, the scheduler's"
    else:
        text += "; its processor time per job"
    return text + f" {1e6 * scheduler:.0f} us"


def relay(workers, trainers):
    return float(subprocess.run([f"{bench}/relay", str(workers), str(trainers)], check=True, capture_output=True).stdout)


def plural(count, what):
    return f"{count} {what}{'s' if count > 1 else ''}"


print(f"medians of {plural(rounds, 'round')}, {MODELS} jobs each; relay: bare messages passed on as often, two jobs on the way to each")
for states in (False, True):
    for shapes in (((1, 2),), ((4, 1),), ((1, 64), (16, 4), (64, 1))):
        total = shapes[0][0] * shapes[0][1]
        local, remote, bare = [], {shape: [] for shape in shapes}, {shape: [] for shape in shapes}
        for _ in range(rounds):
            local.append(run(states, 0, total))
            for shape in shapes:
                remote[shape].append(run(states, *shape))
                if not states:
                    bare[shape].append(relay(*shape))
        print(("states, " if states else "no states, ") + figure(plural(total, "local trainer"), local))
        for shape in shapes:
            name = plural(shape[0], "worker") + f" of {shape[1]}"
            more = f"; bare relay {statistics.median(bare[shape]):.0f}" if bare[shape] else ""
            print("    " + figure(name, remote[shape], local) + more)
P
