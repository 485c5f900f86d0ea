#!/bin/bash
# Every spec in examples/ does what its comment says: those on generated data whole, adult whole, the two on images cut short. Those on real data
# look for it in $RUNG_DATA, else beside the repository, and are skipped without.
. "$(dirname "$0")/lib.bash"

DATA=${RUNG_DATA:-$ROOT/../shared/data}

for spec in "$ROOT"/examples/*.json; do
    rung check "$spec"
    expect "$(basename "$spec") is a good spec" 0
done

best_reaches() { # DATABASE SCORE: of rank 1
    rung top "$1" -n 1 --format json
    python3 -c 'import json, sys; row, = json.load(open("out")); assert row["score"] >= float(sys.argv[1]), row' "$2"
}

test_score_reaches() { # DATABASE SCORE
    rung show "$1" --format json
    python3 -c '
import json, sys
metrics = json.load(open("out"))["test_metrics"]
assert metrics["test_score"] >= float(sys.argv[1]), metrics' "$2"
}

rung run "$ROOT/examples/demo.json" --db demo.db --trainers 2
expect "demo.json ends with a leaderboard" 0 '^ +1 '
check "demo.json: validation accuracy of at least 0.87" best_reaches demo.db 0.87

rung plan "$ROOT/examples/four_circles.json" --format json
check_json "four_circles.json: 378 models, 6134 calls" 'd["models"] == 378 and d["calls"] == 6134'
rung run "$ROOT/examples/four_circles.json" --db circles.db --trainers 2 --quiet
expect "four_circles.json runs whole" 0
check "four_circles.json: validation accuracy of at least 0.885" best_reaches circles.db 0.885
check "four_circles.json: test accuracy of at least 0.88" test_score_reaches circles.db 0.88

rung run "$ROOT/examples/adult.json" --db nowhere.db --trainers 1 --set trainer.settings.data.folder=/nowhere
expect "data that is not there: exit 1, and the message names the place" 1 '' 'settings.data.folder: /nowhere: No such file'

if [ -f "$DATA/a9a/a9a" ]; then
    rung run "$ROOT/examples/adult.json" --db adult.db --trainers 2 --quiet --set "trainer.settings.data.folder=$DATA/a9a"
    expect "adult.json runs whole" 0
    check "adult.json: test accuracy of at least 0.845" test_score_reaches adult.db 0.845
else
    echo "skip adult.json: no a9a in $DATA"
fi

if [ -f "$DATA/fashion-mnist/train-images-idx3-ubyte.gz" ]; then
    rung run "$ROOT/examples/fashion_mnist.json" --db fashion.db --trainers 2 --quiet \
        --set "trainer.settings.data.folder=$DATA/fashion-mnist" --set 'search={"max_iter": 3}' \
        --set trainer.settings.examples_per_call=10000
    expect "fashion_mnist.json runs, cut short" 0
    check "fashion_mnist.json, cut short: test accuracy of at least 0.8" test_score_reaches fashion.db 0.8
else
    echo "skip fashion_mnist.json: no fashion-mnist in $DATA"
fi

if [ -f "$DATA/mnist/train-images-idx3-ubyte.gz" ]; then
    rung run "$ROOT/examples/denoise.json" --db denoise.db --trainers 2 --quiet --set "trainer.settings.data.folder=$DATA/mnist" \
        --set 'search={"max_iter": 3}' --set trainer.settings.examples_per_call=1000 --set trainer.settings.validation=200 \
        --set trainer.settings.data.examples=4000
    expect "denoise.json runs, cut short" 0
    check "denoise.json, cut short: a squared error of at most 0.08 per pixel" best_reaches denoise.db -0.08
else
    echo "skip denoise.json: no mnist in $DATA"
fi

finish
