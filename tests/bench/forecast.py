#!/usr/bin/env python3
"""How good forecasts are: ratios of what was forecast to what it was.

plan and probe against the median of three runs of the four circles, simulate against the run it replays, and
the time left while a search runs. In memory where there is /dev/shm: some file systems make a file more slowly
for minutes after many were deleted, which is not what is measured here.
"""
import json
import os
import re
import sqlite3
import statistics
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNG = Path(os.environ.get("RUNG_BIN", ROOT / "bin")) / "rung"
SPEC = ROOT / "examples/four_circles.json"
SEEDS = range(11, 17)
RUNS = 3
TRAINERS = [p for p in (1, 2, 4) if p <= len(os.sched_getaffinity(0))]


def rung(*arguments):
    return subprocess.run([RUNG, *map(str, arguments)], capture_output=True, text=True, check=True)


def run(spec, database, trainers, seed, name):
    rung("run", spec, "--db", database, "--quiet", "--trainers", trainers,
         "--set", f"search.seed={seed}", "--set", f"name={name}")


def as_json(*arguments):
    return json.loads(rung(*arguments, "--format", "json").stdout)


def show(what, ratios, within):
    good = sum(abs(ratio - 1) <= within for ratio in ratios)
    print(f"forecast: {what}: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}; "
          f"within {100 * within:.0f} %: {good} of {len(ratios)}")


def plans():
    """Wall time, and trainer-seconds per bracket, of searches whose seed was not seen."""
    wall, seconds, calls, again, replayed = (defaultdict(list) for _ in range(5))
    for seed in SEEDS:
        earlier, later = f"earlier{seed}.db", f"later{seed}.db"
        run(SPEC, earlier, 2, seed + 100, "earlier")
        took, used = {}, {}
        for trainers in TRAINERS:
            names = [f"on{trainers}-{i}" for i in range(RUNS)]
            for name in names:
                run(SPEC, later, trainers, seed, name)
            base = sqlite3.connect(later)
            elapsed = dict(base.execute("select search, elapsed from searches"))
            took[trainers] = statistics.median(elapsed[name] for name in names)
            again[trainers] += [elapsed[name] / took[trainers] for name in names]
            each = [dict(base.execute("select bracket, sum(partial_fit_time + score_time) from history "
                                      "where search = ? group by 1", (name,))) for name in names]
            used[trainers] = {b: statistics.median(one[b] for one in each) for b in each[0]}
            made = dict(base.execute("select bracket, calls_done from brackets where search = ?", (names[0],)))
            for name in names:
                again_seconds = as_json("simulate", later, "--search", name, "--trainers", trainers)[0]["seconds"]
                replayed[trainers].append(again_seconds / elapsed[name])
        for source, options in (("plan", ("--db", earlier)), ("plan --probe", ("--probe",))):
            plan = as_json("plan", SPEC, *options, "--set", f"search.seed={seed}",
                           "--trainers", ",".join(map(str, TRAINERS)))
            for row in plan["wall"]:
                wall[source, row["trainers"]].append(row["seconds"] / took[row["trainers"]])
            for row in plan["brackets"]:
                seconds[source] += [row["trainer_seconds"]["value"] / used[p][row["bracket"]] for p in TRAINERS[:2]]
                calls[source].append(row["expected_calls"] / made[row["bracket"]])
    for trainers in TRAINERS:
        show(f"one run / the median of {RUNS}, wall time on {trainers}", again[trainers], 0.15)
    within = {"plan": 0.15, "plan --probe": 0.30}
    for (source, trainers), ratios in wall.items():
        show(f"{source} / run, wall time on {trainers}", ratios, within[source])
    for source in within:
        show(f"{source} / run, trainer-seconds of a bracket on 1 and 2", seconds[source], within[source])
        show(f"{source} / run, calls of a bracket", calls[source], within[source])
    for trainers, ratios in replayed.items():
        show(f"simulate / run, recorded with {trainers}", ratios, 0.02)


def seconds_of(text):
    total = 0.0
    for part in text.replace(" s", "").split(":"):
        total = 60 * total + float(part)
    return total


def time_left():
    """Ratios by tenths of the calls done, from 20 % on, as long as a tenth of the time is left."""
    by_tenth = defaultdict(list)
    for seed in range(1, 7):
        spec = {"trainer": {"command": [str(ROOT / "tests/cli/cost_trainer.py")],
                            "settings": {"call": 0.015, "job": 0.005, "sleep": 1}, "count": 4},
                "parameters": {"batch_size": {"choice": [32, 64, 128, 256]}, "net": {"choice": ["small", "large"]},
                               "rate": {"log_uniform": [1e-4, 1]}},
                "search": {"max_iter": 81, "seed": seed}}
        Path("left.json").write_text(json.dumps(spec))
        said = rung("run", "left.json", "--db", f"left{seed}.db").stderr
        base = sqlite3.connect(f"left{seed}.db")
        elapsed, calls = base.execute("select elapsed, calls_done from searches").fetchone()
        history = base.execute("select elapsed_wall_time, partial_fit_calls, model from history order by seq").fetchall()
        for line in said.splitlines():
            found = re.search(r"after ([^,]+), left ([^(]+) \(", line)
            if not found:
                continue
            at, left = seconds_of(found[1]), seconds_of(found[2])
            done = {model: total for when, total, model in history if when <= at}
            share = sum(done.values()) / calls
            if share >= 0.2 and elapsed - at >= 0.1 * elapsed:
                by_tenth[int(10 * share)].append(left / (elapsed - at))
    for tenth in sorted(by_tenth):
        show(f"time left / real, {10 * tenth} to {10 * tenth + 10} % of calls done", by_tenth[tenth], 0.15)


in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
with tempfile.TemporaryDirectory(prefix="rung-forecast-", dir=os.environ.get("TMPDIR") or in_memory) as folder:
    os.chdir(folder)
    plans()
    time_left()
    os.chdir("/")
