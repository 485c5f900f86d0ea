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

# ---- what it will cost ----

cp "$HERE/cost_trainer.py" . && chmod +x cost_trainer.py
cost_spec() { # NAME SEED [SETTINGS [SEARCH-KEYS]]
    cat >"$1.json" <<SPEC
{"name": "$1", "trainer": {"command": ["./cost_trainer.py"], "settings": ${3:-"{}"}, "count": 2},
 "parameters": {"batch_size": {"choice": [32, 64, 128, 256]}, "net": {"choice": ["small", "large"]},
                "rate": {"log_uniform": [1e-4, 1]}},
 "search": {${4:-\"max_iter\": 81}, "seed": $2}}
SPEC
}

cost_spec one 1
cost_spec two 2
rung plan one.json
expect "nothing to go on is said" 0 '^no forecast of time: no earlier search .* in one.db .*--probe'
rung plan one.json --trainers 2 --format json
check_json "asked for costs, programs are told so, too" "d['wall'] == [] and d['trainer_seconds'] is None and 'no forecast' in d['basis']"
rung run one.json --quiet
expect "an earlier search" 0
rung run two.json --quiet
expect "the one that is forecast" 0
rung plan two.json --db one.db --format json
expect "forecast from an earlier search" 0
mv out plan.out
rung export two.db --what history --format json
mv out history.out
rung export two.db --what brackets --format json
mv out brackets.out
cat >compare.py <<'P'
import json, sys
plan = json.load(open("plan.out"))
rows = [json.loads(line) for line in open("history.out")]
took = {}
for row in rows:
    took[row["bracket"]] = took.get(row["bracket"], 0) + row["partial_fit_time"] + row["score_time"]
worst = 0
for bracket in plan["brackets"]:
    guess, real = bracket["trainer_seconds"], took[bracket["bracket"]]
    print(bracket["bracket"], guess, real, guess["value"] / real)
    worst = max(worst, abs(guess["value"] / real - 1))
    assert guess["low"] < guess["value"] < guess["high"]
total = sum(took.values())
print("all", plan["trainer_seconds"], total)
assert abs(plan["trainer_seconds"]["value"] / total - 1) < float(sys.argv[1])
assert worst < float(sys.argv[2]), worst
P
check "trainer-seconds within 10 %, of each bracket within 20 %" python3 compare.py 0.1 0.2
cp plan.out out
check_json "on the numbers of jobs that were recorded" "d['observations'] == 206 and '206 jobs of 1 earlier search in one.db' in d['basis']"
check_json "wall time falls with the number of trainers, but not below the work" "all(a['seconds'] > b['seconds'] for a, b in zip(d['wall'], d['wall'][1:4])) and all(w['seconds'] * w['trainers'] > 0.9 * w['trainer_seconds']['value'] for w in d['wall'])"
check_json "1, 2, 4, … trainers" "[w['trainers'] for w in d['wall']][:3] == [1, 2, 4]"
check_json "disk for states: at most all that are alive" "1000 <= d['state_bytes'] <= 143 * 1000"
rung plan two.json --db one.db --trainers 3,50
expect "as a table, for the trainers asked for" 0 '^ *50 '
check "with intervals" grep -Eq '^ *4 +81 +297 +[0-9:]+ \([0-9:]+ to [0-9:]+\) +81x1' out
check "and what it rests on" grep -qx 'forecast from 206 jobs of 1 earlier search in one.db' out
rung plan two.json --db one.db --format csv
expect "as csv" 0 '^bracket,models,calls,rungs,trainer_seconds,low,high$'
rung plan one.json --format json
check_json "NAME.db is looked into without being asked" "d['observations'] == 206"

cost_spec other 1 '{"call": 2}'
rung plan other.json --db one.db
expect "other settings are another trainer" 0 '^no forecast of time: '
rung plan one.json --db none.db
expect "a database that is not there" 2 "" '^rung: none.db: '
rung plan one.json --db one.json
expect "a database that is none" 2 "" '^rung: one.json: '
echo garbage >s.db
rung plan s.json
expect "a file that only has that name does not matter" 0 '^no forecast of time: s.db'

rung plan two.json --budget 1581 --format json
check_json "budget: the largest max_iter that fits" "d['proposal']['max_iter'] == 81 and d['proposal']['calls'] == 1581 and d['proposal']['change'] == '--set search.max_iter=81'"
rung plan two.json --budget 1580 --format json
check_json "budget: one call less, one max_iter less" "d['proposal']['max_iter'] < 81 and d['proposal']['calls'] <= 1580"
rung plan two.json --budget 1
expect "budget: the smallest" 0 'largest max_iter within 1 call: 1 \(1 model, 1 call\)'
rung plan endless.json --budget 100
expect "budget: no end, no proposal" 2 "" '^rung: --budget: '
rung plan two.json --db one.db --trainers 4 --deadline 5m --format json
check_json "deadline: the upper end fits" "0 < d['proposal']['seconds']['high'] <= 300 and d['proposal']['trainers'] == 4 and 1 < d['proposal']['max_iter'] < 81"
rung plan other.json --deadline 5m --trainers 4
expect "deadline: nothing to go on" 2 "" '^rung: --deadline: no forecast'
rung plan two.json --db one.db --trainers 4 --deadline 900000h --format json
check_json "deadline: the largest uses most of it, also where searches are too long to simulate" "d['proposal']['max_iter'] > 1e5 and d['proposal']['seconds']['high'] > 0.8 * 900000 * 3600"
rung plan two.json --db one.db --set search.max_iter=1000000000 --trainers 1,1000
expect "a search of billions of jobs is summed up" 0 'too many jobs to simulate: the sum'
check "and says no more than it knows" grep -Eq '^ *1000 .* - +-$' out
rung plan sh.json --budget 1000000000000 --format json
check_json "budget: where every max_iter fits, a billion" "d['proposal']['max_iter'] == 10**9"
rung plan two.json --deadline soon
expect "deadline: no duration" 2 "" '^rung: --deadline: "soon" is no duration'
rung plan two.json --deadline 1m --budget 3
expect "deadline and budget" 2 "" '^rung: --budget and --deadline'
for list in 0 1,,2 x 1,2,-3 100001; do
    rung plan two.json --trainers $list
    expect "--trainers $list" 2 "" '^rung: --trainers: '
done

cost_spec probed 3 '{"call": 0.01, "job": 0.003}'
rung plan probed.json --probe --format json
expect "probe" 0
check_json "probe: measured" "d['observations'] >= 12 and 'from a probe' in d['basis'] and d['trainer_seconds']['value'] > 0"
mv out plan.out
rung run probed.json --quiet
rung export probed.db --what history --format json
mv out history.out
check "probe: trainer-seconds per bracket within 30 %" python3 compare.py 0.3 0.3
mkdir disk
rung plan probed.json --probe --db disk/probed.db --set trainer.settings.states='"seen"'
expect "probe beside the database" 0
check "probe: its states are where the search's would be" sh -c 'grep -q . seen && ! grep -v "^$PWD/disk/rung-probe-" seen'
check "probe: leaves nothing behind" sh -c 'for f in "${TMPDIR:-/tmp}"/rung-probe-* rung-probe-* disk/*; do [ ! -e "$f" ] || exit 1; done'
(
    "$RUNG" plan probed.json --probe --set trainer.settings.call=60 --set trainer.settings.sleep=1 >out 2>err &
    until compgen -G 'rung-probe-*' >/dev/null; do sleep 0.05; done
    while kill -INT $! 2>/dev/null; do sleep 0.1; done # one that comes before it listens is ignored
    wait $!
)
rc=$?
expect "probe: interrupted" 130 "" '^rung: --probe: interrupted$'
check "probe: leaves nothing behind then either" sh -c '! ls -d rung-probe-* 2>/dev/null'
rung plan probed.json --probe --set trainer.settings.call=0 --set trainer.settings.job=0
expect "probe: of jobs without a time" 0 '^no forecast of time: no job of the probe took a time above 0$'
rung plan probed.json --probe --db nowhere/probed.db
expect "probe: elsewhere when there is no such folder" 0 "from a probe"
cost_spec broken 3
sed -i 's/cost_trainer.py/none.py/' broken.json
rung plan broken.json --probe
expect "probe: no such program" 2 "" '^rung: broken.json: trainer.command'
printf '#!/bin/sh\nexit 1\n' >none.py && chmod +x none.py
rung plan broken.json --probe
expect "probe: a trainer that does not work" 1 "" '^rung: --probe: '
printf '#!/bin/sh\nread -r start <&$RUNG_FD\necho "no message" >&$RUNG_FD\n' >none.py
rung plan broken.json --probe
expect "probe: why it does not work" 1 "" '^rung: --probe: .*no message|^rung: --probe: .*JSON'
finish
