#!/bin/bash
# rung best
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 9'
rung run s.json --quiet
rung best s.db
expect "parameters" 0 '^\{"a":0\.[0-9]+\}$'
check_json "one object" "list(d) == ['a']"
"$RUNG" top s.db -n 1 --format json >top
rung best s.db --format json
check_json "its row is the leaderboard's first" "[d] == json.load(open('top'))"
rung best s.db --format csv
check "as csv" same <("$RUNG" top s.db -n 1 --format csv) out
rung best s.db --format table
expect "as a table" 0 '^s +1 +'
rung best s.db --state best.state
expect "its state" 0 '^\{"a"'
model=$(python3 -c 'import json; print(json.load(open("top"))[0]["model"])')
check "is what the trainer wrote" grep -qx "model $model at 9" best.state
rung best s.db --state none/best.state
expect "a state that cannot be written" 2 "" 'none/best.state'
echo old >old.state
rung best s.db --state old.state
check "a state replaces the file that is there" same best.state old.state
cp s.db before
rung best s.db --state ./s.db
expect "the database itself is none" 2 "" '^rung: --state ./s.db: is the database$'
check "it is as it was" cmp s.db before
mkdir moved
mv s.db s.db.states s.db.logs moved
rung best moved/s.db --state moved.state
expect "from a database that was moved" 0
check "the same state" same best.state moved.state
spec f '"max_iter": 3' '{"nan": true}'
rung run f.json --quiet
rung best f.db
expect "no model with a score" 1 "" '^rung: f.db: f: no model has a score$'
spec g '"algorithm": "successive_halving", "models": 3, "max_iter": 3' '{"fail": [2], "after": 1}'
rung run g.json --quiet
expect "who was kept has failed, the others were stopped" 0
rung top g.db --format json
check_json "who failed ranks last" "d[-1]['status'] == 'failed' and d[-1]['score'] > d[0]['score']"
rung best g.db --format json
check_json "and is not the best" "d['status'] == 'stopped' and d['model'] == 1"
spec h '"algorithm": "random", "models": 2, "max_iter": 9, "patience": 3' '{"fail": [0, 1], "after": 3}'
rung run h.json --quiet
expect "all have failed" 1
rung best h.db --state h.state
expect "no model to use" 1 "" '^rung: h.db: h: every model with a score has failed$'
check "no state of it" test ! -e h.state
finish
