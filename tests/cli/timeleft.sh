#!/bin/bash
# What rung run says of the time left
. "$(dirname "$0")/lib.bash"

cp "$HERE/cost_trainer.py" . && chmod +x cost_trainer.py
cat >s.json <<'SPEC'
{"name": "s", "trainer": {"command": ["./cost_trainer.py"], "settings": {"call": 0.006, "job": 0.002, "sleep": 1}, "count": 3},
 "parameters": {"batch_size": {"choice": [32, 64, 128, 256]}, "net": {"choice": ["small", "large"]},
                "rate": {"log_uniform": [1e-4, 1]}},
 "search": {"max_iter": 81}}
SPEC
rung run s.json
expect "a search that takes a few seconds" 0 "" ', left [0-9.:]+ ?s? \([0-9.:]+ ?s? to [0-9.:]+ ?s?\)$'
check "nothing is left when all is done" sh -c 'grep "^bracket" err | tail -n 1 | grep -vq ", left"'
cat >times.py <<'P'
import re, sys
left = []
for line in open("err"):
    found = re.search(r"after ([0-9:.]+)(?: s)?, left ([0-9:.]+)(?: s)? \(([0-9:.]+)(?: s)? to ([0-9:.]+)", line)
    if found:
        left.append([float(text) for text in found.groups()])
print(left)
assert left and all(low <= value <= high for _, value, low, high in left)
assert left[-1][1] < left[0][1], "it does not get less"
P
check "the interval holds what is told, and it gets less" python3 times.py
rung key secret
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$RUNG" worker 127.0.0.1:"$port" --key secret --trainers 3 --quiet 2>worker.err &
worker=$!
rung run s.json --set name=far --db s.db --trainers 0 --listen 127.0.0.1:"$port" --key secret
kill $worker 2>/dev/null
wait $worker
expect "trainers of another machine" 0 "" ', left [0-9.:]+ ?s? \([0-9.:]+ ?s? to [0-9.:]+ ?s?\)$'
check "after most steps, and less and less" python3 times.py
check "from the first steps on" sh -c 'test "$(grep -c ", left" err)" -ge $(($(grep -c "^bracket" err) * 2 / 3))'
rung run s.json --quiet --set name=q --db s.db
expect "quiet" 0
check "nothing is said" test ! -s err
rung run s.json --set search.priority=critical --set name=c --db s.db
expect "with the priority that forecasts decide" 0
rung top s.db --search s --format json
mv out one
rung top s.db --search c --format json
check "the same leaderboard" sh -c 'sed "s/\"search\":\"[a-z]*\"//; s/\"fit_seconds\":[0-9.e-]*//" one >a; sed "s/\"search\":\"[a-z]*\"//; s/\"fit_seconds\":[0-9.e-]*//" out >b; diff a b'
spec none '"algorithm": "asha", "max_iter": 9' '{"nan": true}' ', "limits": {"calls": 400}'
rung run none.json
expect "without an end, and without a score that tells anything" 3
finish
