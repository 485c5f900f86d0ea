#!/bin/bash
# rung plan
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 81'
rung plan s.json --format json
expect "json" 0
cat >want <<'W'
{"models":143,"calls":1581,"scores":206,"brackets":[{"bracket":4,"models":81,"calls":297,"rungs":[{"models":81,"calls":1},{"models":27,"calls":3},{"models":9,"calls":9},{"models":3,"calls":27},{"models":1,"calls":81}]},{"bracket":3,"models":34,"calls":276,"rungs":[{"models":34,"calls":3},{"models":11,"calls":9},{"models":3,"calls":27},{"models":1,"calls":81}]},{"bracket":2,"models":15,"calls":279,"rungs":[{"models":15,"calls":9},{"models":5,"calls":27},{"models":1,"calls":81}]},{"bracket":1,"models":8,"calls":324,"rungs":[{"models":8,"calls":27},{"models":2,"calls":81}]},{"bracket":0,"models":5,"calls":405,"rungs":[{"models":5,"calls":81}]}]}
W
check "json, byte for byte" same want out

planned() { # NAME MODELS CALLS KEY=VALUE…
    local name=$1 models=$2 calls=$3
    shift 3
    rung plan s.json --format json "${@/#/--set=}"
    expect "$name" 0
    check_json "$name: $models models, $calls calls" "d['models'] == $models and d['calls'] == $calls"
}
planned "(243,3)" 415 6831 search.max_iter=243
planned "(299,4)" 378 6134 search.max_iter=299 search.aggressiveness=4
planned "(16,4)" 25 124 search.max_iter=16 search.aggressiveness=4
planned "(100,3)" 143 1944 search.max_iter=100
planned "(1,3)" 1 1 search.max_iter=1
planned "(2,3)" 1 2 search.max_iter=2
planned "dask (243,3)" 143 4743 search.max_iter=243 search.variant=dask
planned "dask (299,4)" 378 5721 search.max_iter=299 search.aggressiveness=4 search.variant=dask
planned "table (81,3)" 128 1404 search.variant=table

spec sh '"algorithm": "successive_halving", "models": 27, "max_iter": 5'
spec random '"algorithm": "random", "models": 20, "max_iter": 9'
spec incremental '"algorithm": "incremental", "models": 5, "max_iter": 3'
spec asha '"algorithm": "asha", "models": 9, "max_iter": 9'
for algorithm in sh random incremental asha; do
    rung plan $algorithm.json --format json
    expect "$algorithm" 0
    check_json "$algorithm: one bracket, numbered 0" "[b['bracket'] for b in d['brackets']] == [0]"
done
rung plan random.json --format json
check_json "random: one rung at max_iter" "d['brackets'][0]['rungs'] == [{'models': 20, 'calls': 9}] and d['calls'] == 180"
spec endless '"algorithm": "asha", "max_iter": 9' "{}" ', "limits": {"calls": 100}'
rung plan endless.json --format json
expect "asha without an end" 0
check_json "its numbers are not known" "d['models'] is None and d['calls'] is None"
rung plan endless.json
expect "asha without an end, as a table" 0 'models until a limit is reached'
check "its rungs" grep -qx ' *0 *- *- *?x1 ?x3 ?x9' out
echo '{"trainer": {"command": ["x"]}, "parameters": {"a": {"choice": [1, 2, 3]}, "b": {"int": [0, 4], "step": 2}},
       "search": {"algorithm": "grid", "max_iter": 2}}' >grid.json
rung plan grid.json --format json
check_json "grid: every combination" "d['models'] == 9 and d['calls'] == 18"

rung plan s.json
expect "table" 0 '^ *4 +81 +297 +81x1 27x3 9x9 3x27 1x81$'
check "table: total" grep -qx 's: hyperband, 143 models, 1581 calls, 206 scores' out
rung plan s.json --format csv
expect "csv" 0 '^0,5,405,"\[\{""models"":5,""calls"":81\}\]"$'
rung plan s.json --set 'trainer.command=["./none"]'
expect "the program need not exist" 0
rung plan s.json --set search.max_iter=729 --set search.variant=dask
expect "a rung that dask leaves empty is refused" 2 "" '^rung: s.json: search'
rung plan s.json --set search.patience=true --set search.max_iter=4
expect "notes are told" 0 "" '^rung: note: search.patience'
rung plan s.json --format yaml
expect "an unknown format" 2 "" '^rung: --format: "yaml" is none of table, json and csv$'
rung plan none.json
expect "a file that is not there" 2 "" '^rung: none.json: No such file or directory$'
finish
