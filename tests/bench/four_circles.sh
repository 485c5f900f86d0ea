#!/bin/bash
# The experiment of examples/four_circles.json over seeds 0 to SEEDS-1 with 2 trainers, beside random search of equal calls (20 models of
# 299 calls), and where its time goes. SEEDS: 20.
set -u
BIN=${RUNG_BIN:-$PWD/bin}
SEEDS=${SEEDS:-20}
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT

search() { # DATABASE SEED OPTION…
    local database=$1 seed=$2
    shift 2
    "$BIN/rung" run examples/four_circles.json --db "$database" --trainers 2 --quiet --set search.seed="$seed" "$@" ||
        echo "seed $seed ended with $?" >&2
}

random=(--set 'search={"algorithm": "random", "models": 20, "max_iter": 299}' --set 'trainer.settings.examples_per_call=8361')
for seed in $(seq 0 $((SEEDS - 1))); do
    search "$WORK/hyperband-$seed.db" "$seed"
    search "$WORK/random-$seed.db" "$seed" "${random[@]}" --set search.seed="$seed"
done

python3 - "$WORK" "$SEEDS" <<'P'
import glob, json, sqlite3, statistics as st, sys
work, seeds = sys.argv[1], int(sys.argv[2])

def read(name):
    rows = []
    for seed in range(seeds):
        db = sqlite3.connect(f"{work}/{name}-{seed}.db")
        best, = db.execute("select score from leaderboard where rank = 1").fetchone()
        calls, elapsed, test = db.execute("select calls_done, elapsed, test_metrics from searches").fetchone()
        fit, score, examples, results = db.execute(
            "select sum(partial_fit_time), sum(score_time), sum(examples), count(*) from history").fetchone()
        ready, = db.execute("select min(julianday(t.joined_at) - julianday(s.started_at)) * 86400 from trainers t, searches s").fetchone()
        busy, = db.execute("select sum(busy_seconds) from trainers").fetchone()
        rows.append(dict(busy=busy, best=best, calls=calls, elapsed=elapsed, fit=fit, score=score, examples=examples, ready=ready,
                         results=results, test=json.loads(test)["test_score"]))
    return rows

for name, rows in (("hyperband", read("hyperband")), ("random", read("random"))):
    mean = lambda key: st.mean(r[key] for r in rows)
    print(f"{name}: best validation accuracy mean {mean('best'):.4f} (min {min(r['best'] for r in rows):.4f}, max {max(r['best'] for r in rows):.4f}), "
          f"test accuracy mean {mean('test'):.4f}, {mean('calls'):.0f} calls, {seeds} seeds")
    print(f"  a search: {mean('elapsed'):.2f} s; two trainers have {2 * mean('elapsed'):.2f} s, of which training {mean('fit'):.2f} s "
          f"({mean('examples') / mean('fit') / 1e6:.1f} million examples/s), scoring {mean('score'):.2f} s, "
          f"states and messages {mean('busy') - mean('fit') - mean('score'):.2f} s, starting {2 * mean('ready'):.2f} s, "
          f"without a job {2 * (mean('elapsed') - mean('ready')) - mean('busy'):.2f} s; {mean('results'):.0f} results")
P
