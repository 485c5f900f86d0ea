#!/bin/bash
# What a job costs in rung itself: 2 trainers that do nothing, every result recorded, against a bare ping-pong between two processes.
# Processor time is that of rung alone, without its trainers.
set -u
BIN=${RUNG_BIN:-$PWD/bin}
BENCH=${RUNG_BENCH:-$PWD/build/tests/bench}
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT

spec() { # NAME SEARCH [TRAINER_ARGUMENT]
    printf '{"name": "%s", "trainer": {"command": ["%s"%s]}, "parameters": {"x": {"uniform": [0, 1]}, "y": {"choice": [1, 2, 3]}}, "search": %s}\n' \
        "$1" "$BENCH/noop" "${3:+, \"$3\"}" "$2" >"$WORK/$1.json"
}

# Runs rung under python's resource accounting: wall seconds, rung's own processor seconds and peak memory.
measure() { # NAME
    python3 - "$BIN/rung" "$WORK" "$1" <<'P'
import os, re, sqlite3, sys, time
rung, work, name = sys.argv[1:4]
start = time.monotonic()
pid = os.posix_spawn(rung, [rung, "run", f"{work}/{name}.json", "--db", f"{work}/{name}.db", "--trainers", "2", "--quiet"],
                     os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
# /proc/PID/stat has rung's own time; what wait4 returns would count its trainers too.
ticks, peak = 0, 0
while True:
    try:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        if fields[0] == "Z":
            break
        ticks = int(fields[11]) + int(fields[12])
        peak = max(peak, *[int(m) for m in re.findall(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())] or [0])
    except FileNotFoundError:
        break
    time.sleep(0.002)
fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
ticks = max(ticks, int(fields[11]) + int(fields[12]))
_, status = os.waitpid(pid, 0)
wall = time.monotonic() - start
jobs = sqlite3.connect(f"{work}/{name}.db").execute("select count(*) from history").fetchone()[0]
cpu = ticks / os.sysconf("SC_CLK_TCK")
if status not in (0, 256):
    sys.exit(f"{name}: rung ended with {status}")
print(f"{jobs / wall:.0f} jobs/s, {cpu / jobs * 1e6:.1f} us of rung's processor time per job, peak memory {peak / 1024:.1f} MB ({jobs} jobs in {wall:.2f} s)")
P
}

echo "socket ping-pong between two processes: $("$BENCH/pingpong") a second"
spec many '{"algorithm": "random", "models": 100000, "max_iter": 1}'
echo "random, 100,000 models, no states: $(measure many)"
spec hyperband '{"max_iter": 6561}'
echo "hyperband (6561,3), no states:     $(measure hyperband)"
spec states '{"algorithm": "random", "models": 50000, "max_iter": 1}' states
echo "random, 50,000 models, states:     $(measure states)"
spec few '{"algorithm": "random", "models": 400, "max_iter": 1}'
echo "random, 400 models:                $(measure few)"
echo "socket ping-pong, once more:       $("$BENCH/pingpong") a second"
