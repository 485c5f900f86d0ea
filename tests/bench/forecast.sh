#!/bin/bash
# How good forecasts are: plan against run on the four circles, the time left while a search runs, and a recorded
# search against its own simulation.  Ratios of what was forecast to what it was.
set -eu
cd "$(dirname "$0")/../.."
ROOT=$PWD
RUNG=${RUNG_BIN:-$PWD/bin}/rung
WORK=$(mktemp -d "${TMPDIR:-/tmp}/rung-forecast-XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cd "$WORK"
spec=$ROOT/examples/four_circles.json
cores=$(nproc)

for seed in 11 12 13; do
    "$RUNG" run "$spec" --db earlier.db --quiet --trainers 2 --set search.seed=$((seed + 100)) --set name=earlier
    for trainers in 1 2 4; do
        [ "$trainers" -gt "$cores" ] ||
            "$RUNG" run "$spec" --db later.db --quiet --trainers $trainers --set search.seed=$seed --set name=on$trainers
    done
    "$RUNG" plan "$spec" --db earlier.db --set search.seed=$seed --trainers 1,2,4 --format json >plan.json
    "$RUNG" plan "$spec" --probe --set search.seed=$seed --trainers 1,2,4 --format json >probe.json
    for trainers in 1 2 4; do
        [ "$trainers" -gt "$cores" ] ||
            "$RUNG" simulate later.db --search on$trainers --trainers $trainers --format json >simulate$trainers.json
    done
    python3 - "$seed" <<'P'
import json, os, sqlite3, sys
base = sqlite3.connect("later.db")
took = dict(base.execute("select search, elapsed from searches"))
for name in ("plan", "probe"):
    plan = json.load(open(name + ".json"))
    wall = ["%d: %.2f" % (w["trainers"], w["seconds"] / took["on%d" % w["trainers"]])
            for w in plan["wall"] if "on%d" % w["trainers"] in took]
    for trainers in (1, 2, 4):
        if "on%d" % trainers not in took:
            continue
        real = dict(base.execute("select bracket, sum(partial_fit_time + score_time) from history where search = ? "
                                 "group by 1", ("on%d" % trainers,)))
        wall.append("brackets on %d: %s" % (trainers, " ".join(
            "%.2f" % (b["trainer_seconds"]["value"] / real[b["bracket"]]) for b in plan["brackets"])))
    print("forecast: seed %s, %s / run, wall time on %s" % (sys.argv[1], name, "; ".join(wall)))
wall = []
for trainers in (1, 2, 4):
    if os.path.exists("simulate%d.json" % trainers):
        row = json.load(open("simulate%d.json" % trainers))[0]
        wall.append("%d: %.3f" % (trainers, row["seconds"] / took["on%d" % trainers]))
print("forecast: seed %s, simulate / run, wall time on %s" % (sys.argv[1], "; ".join(wall)))
P
    rm -rf earlier.db* later.db* simulate*.json
done

cp "$ROOT/tests/cli/cost_trainer.py" .
for seed in 1 2 3; do
    cat >left.json <<SPEC
{"trainer": {"command": ["./cost_trainer.py"], "settings": {"call": 0.015, "job": 0.005, "sleep": 1}, "count": 4},
 "parameters": {"batch_size": {"choice": [32, 64, 128, 256]}, "net": {"choice": ["small", "large"]},
                "rate": {"log_uniform": [1e-4, 1]}},
 "search": {"max_iter": 81, "seed": $seed}}
SPEC
    "$RUNG" run left.json --db left.db 2>err >/dev/null
    python3 - "$seed" <<'P'
import re, sqlite3, sys
def seconds(text):
    total = 0
    for part in text.replace(" s", "").split(":"):
        total = 60 * total + float(part)
    return total
base = sqlite3.connect("left.db")
elapsed, calls = base.execute("select elapsed, calls_done from searches").fetchone()
history = base.execute("select elapsed_wall_time, partial_fit_calls, model from history order by seq").fetchall()
ratios = []
for line in open("err"):
    found = re.search(r"after ([^,]+), left ([^(]+) \((.*) to (.*)\)", line)
    if not found:
        continue
    at, left = seconds(found[1]), seconds(found[2])
    done = {}
    for when, total, model in history:
        if when <= at:
            done[model] = total
    share = sum(done.values()) / calls
    if share >= 0.2 and elapsed - at >= 0.1 * elapsed:
        ratios.append("%.0f %%: %.2f" % (100 * share, left / (elapsed - at)))
print("forecast: seed %s, time left / real, at so many calls: %s" % (sys.argv[1], ", ".join(ratios)))
P
    rm -rf left.db*
done
