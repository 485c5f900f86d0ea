#!/bin/bash
# rung advise: advice from histories whose law is known.
. "$(dirname "$0")/lib.bash"
cp "$HERE/advise_trainer.py" .

# advice NAME PARAMETERS [SETTINGS [OBJECTIVE [MAX_ITER [STATUS]]]] writes NAME.json and runs it into NAME.db
MINIMIZE='{"metric": "objective", "goal": "minimize"}'
advice() {
    local settings=${3:-"{}"} objective=${4:-$MINIMIZE}
    cat >"$1.json" <<SPEC
{"trainer": {"command": ["./advise_trainer.py"], "settings": $settings, "count": 2},
 "parameters": $2, "objective": $objective,
 "search": {"algorithm": "grid", "max_iter": ${5:-60}}}
SPEC
    "$RUNG" run "$1.json" --db "$1.db" --quiet >run.out 2>&1
    [ $? = "${6:-0}" ] || say "not ok" "the search $1" run.out
}

MACHINES='{"choice": [1, 2, 4, 8, 16, 32, 64, 128]}'
TIME='.5 + 8 / r["machines"] + .3 * __import__("math").log(r["machines"]) + .02 * r["machines"]'

# ---- the goal ----

advice both "{\"machines\": $MACHINES, \"algorithm\": {\"choice\": [\"cocoa\", \"gd\"]}}"
rung advise both.db --goal 1e-4 --limit 0 --format json
expect "a goal" 0
check_json "a row for each algorithm and number of machines" \
    '[(r["algorithm"], r["machines"]) for r in d] == [(a, 2**k) for a in ("cocoa", "gd") for k in range(8)]'
check_json "cocoa on 4 machines is best, alone" \
    '[(r["algorithm"], r["machines"]) for r in d if r["best"]] == [("cocoa", 4)]'
check_json "all of them get there" 'all(r["feasible"] and r["reason"] is None for r in d)'
check_json "iterations of the law" 'all(abs(r["iterations"] - n) <= max(1, .02 * n) for r, n in
    zip(d, [11, 17, 26, 39, 57, 83, 119, 170] + [88] * 8))'
check_json "seconds of an iteration" "all(abs(r['seconds_per_iteration'] - ($TIME)) < 1e-6 for r in d)"
check_json "seconds to the goal" 'abs([r for r in d if r["best"]][0]["seconds"] - 77.89) < .01
    and min((r["seconds"], r["machines"]) for r in d if r["algorithm"] == "gd")[1] == 16'
check_json "intervals hold their values" 'all(r[k + "_low"] <= r[k] and (r[k + "_high"] is None or r[k] <= r[k + "_high"])
    for r in d for k in ("iterations", "seconds_per_iteration", "seconds", "value"))'
check_json "what it rests on" 'all(r["measured"] and r["timings"] == 60 and r["observations"] > 60 and r["limit"] == 0
    and r["limit_rule"] == "known" for r in d)'

rung advise both.db --goal 1e-4 --limit 0
expect "the table" 0 '^best: cocoa on 4 machines: within 0.0001 of the limit after 1:18 .*, 26 iterations$'
check "the table names the limit" grep -q '^limit of objective: 0 (known, as --limit says)$' out
cp out table
rung advise both.db --goal 1e-4 --limit 0 --format csv
expect "csv" 0 '^algorithm,machines,best,feasible,iterations,'
check "csv: header and rows" test "$(wc -l <out)" = 17

# ---- the deadline ----

rung advise both.db --deadline 30 --limit 0 --format json
expect "a deadline" 0
check_json "4 machines are closest after 30 s" '[(r["algorithm"], r["machines"]) for r in d if r["best"]] == [("cocoa", 4)]'
check_json "and as close as the law says" 'abs([r for r in d if r["best"]][0]["value"] / 2.825e-2 - 1) < .02'
rung advise both.db --deadline 1m --limit 0
expect "a later one" 0 '^best: cocoa on 4 machines: objective 0\.000[78][0-9]* .*after 1:00, 20 iterations$'
rung advise both.db --deadline 2 --limit 0 --format json
check_json "who ends no iteration says so" '[r["reason"] for r in d if r["machines"] == 1] == ["an iteration takes 8.52 s"] * 2'
rung advise both.db --deadline 1e300 --limit 0
expect "a deadline beyond all clocks" 0 '^best: .* after 1e\+300 s, 1000000 iterations$'
rung advise both.db --deadline 0.1 --limit 0
expect "a deadline before all" 0 '^nothing ends an iteration by the deadline$'

# ---- limits ----

advice above "{\"machines\": $MACHINES, \"algorithm\": \"cocoa\"}" '{"limit": 3}'
rung advise above.db --goal 1e-3 --format json
expect "a limit that is fitted" 0
check_json "close to the true one" 'all(r["limit_rule"] == "fitted" and abs(r["limit"] - 3) < 1e-4 for r in d)'
check_json "4 machines or a neighbour" '[r["machines"] for r in d if r["best"]][0] in (2, 4)'
rung advise above.db --goal 1e-3
expect "the table says that it is fitted" 0 '^limit of objective: (3|2\.9[0-9]*|3\.0[0-9]*) \(fitted: .*; [0-9.]+ to [0-9.]+ nearly as well\)$'
rung advise above.db --goal 1e-3 --limit 3.5
expect "values beyond the limit" 2 "" '^rung: advise: --limit 3.5: a recorded objective of 3 is already better$'
advice dual "{\"machines\": $MACHINES}" '{"limit": 3, "dual": true}'
rung advise dual.db --goal 1e-4 --bound dual --format json
expect "a limit that is bounded" 0
check_json "it is the bound" 'all(r["limit_rule"] == "bound" and abs(r["limit"] - 3) < 1.1e-9 for r in d)'

# ---- where things are found ----

rung advise dual.db --goal 1e-4 --bound duel
expect "a bound that is not there" 2 "" '^rung: --bound: no metric is called duel$'
advice negative "{\"machines\": $MACHINES, \"algorithm\": \"cocoa\"}" '{"score": "negative", "limit": 3}' '{"metric": "objective"}'
rung advise negative.db --goal 1e-4 --limit -3 --format json
expect "a score that is maximised" 0
check_json "shown as it was reported" 'all(r["limit"] == -3 and -3.0002 < r["value"] <= -3 for r in d) and d[2]["best"]'
advice quiet "{\"machines\": $MACHINES}" '{"progress": false}' "$MINIMIZE" 20
rung advise quiet.db --goal 1e-4 --limit 0
expect "one value of each run is too little" 2 "" 'quiet: convergence model: 8 usable observations of 8, 10 are needed$'
sed 's/"grid", "max_iter": 20/"incremental", "models": 8, "decay_rate": null, "max_iter": 40/' quiet.json >inc.json
"$RUNG" run inc.json --db inc.db --quiet
rung advise inc.db --goal 1e-4 --limit 0 --format json
expect "the history serves where calls are not recorded" 0
check_json "with the time of a call" "all(abs(r['seconds_per_iteration'] - ($TIME)) < 1e-6 for r in d)"

advice nodes '{"nodes": {"choice": [1, 2, 4, 8]}, "algorithm": "gd", "method": {"choice": ["x", "y"]}}'
rung advise nodes.db --goal 1e-4 --limit 0 --machines nodes --algorithm method --format json
expect "parameters of other names" 0
check_json "are those named" '{(r["algorithm"], r["machines"]) for r in d} == {(a, m) for a in "xy" for m in (1, 2, 4, 8)}'
rung advise nodes.db --goal 1e-4 --machines cores
expect "a parameter that is not there" 2 "" '^rung: --machines: no model has a parameter cores$'
rung advise nodes.db --goal 1e-4 --algorithm kind
expect "an algorithm that is not there" 2 "" '^rung: --algorithm: no model has a parameter kind$'
rung advise nodes.db --goal 1e-4 --metric foo
expect "a metric that is not there" 2 "" '^rung: advise: no finite foo is recorded$'

rung advise nodes.db --goal 1e-4 --limit 0 --machines method
expect "a parameter that is no number" 2 "" "^rung: --machines: no model's method is a number of 1 or more\$"
rung advise nodes.db --goal 1e-4 --limit 0 --machines nodes --format json
expect "other parameters that differ" 0 "" '^rung: note: gd: 8 models with 2 different settings of other parameters count as one curve$'
check "do not get into the rows" python3 -c 'import json; json.load(open("out"))'
rung advise both.db --goal 1e-4 --limit 0 --format json
check "none that differ, no note" test ! -s err
cp out once
cp both.db copy.db
rung advise both.db copy.db both.db --goal 1e-4 --limit 0 --format json
expect "a search three times" 0 "" '^rung: note: copy.db: 2 searches are there already: of copies only the one named first counts$'
check "counts once" cmp -s out once
advice long '{"machines": {"choice": [1, 2]}}' '{"score": "slow"}' "$MINIMIZE" 700
rung advise long.db --goal 1e-4 --limit 0 --format json
expect "many iterations" 0
check_json "all of them count" 'all(r["observations"] == 1400 and r["timings"] == 700 for r in d)'

# several databases, one degree each, by threads
for threads in 1 4 16; do
    cat >threads.json <<SPEC
{"trainer": {"command": ["./advise_trainer.py"], "count": 1, "threads": $threads},
 "parameters": {"alpha": 1}, "objective": $MINIMIZE,
 "search": {"algorithm": "random", "models": 1, "max_iter": 60}}
SPEC
    "$RUNG" run threads.json --db threads-$threads.db --quiet
done
rung advise threads-1.db threads-4.db threads-16.db --goal 1e-4 --limit 0 --format json
expect "threads of several databases" 0
check_json "are degrees of parallelism" '[(r["algorithm"], r["machines"], r["iterations"]) for r in d if r["best"]] == [("threads", 4, 26)]
    and len(d) == 3'
rung advise threads-1.db --goal 1e-4 --limit 0 --candidates 8 --format json
expect "one degree alone" 0
check_json "tells of itself" 'd[0]["best"] and d[0]["iterations"] == 11'
check_json "not of others" 'not d[1]["feasible"] and d[1]["reason"] ==
    "curves on 1 number of machines say nothing of others: 3 are needed"'
rung advise threads-1.db threads-4.db threads-16.db --goal 1e-4 --limit 0 --search other
expect "a search that is not there" 2 "" '^rung: advise: no database has a search other$'

rung advise above.db --goal 1e-4 --limit 3 --candidates 4,6,12 --format json
expect "numbers of machines that were not recorded" 0
check_json "are forecast" '[(r["machines"], r["measured"]) for r in d if not r["measured"]] == [(6, False), (12, False)]
    and all(abs(r["seconds_per_iteration"] / ('"$TIME"') - 1) < .01 for r in d)
    and abs([r for r in d if r["machines"] == 6][0]["iterations"] - 33) <= 1'

# ---- what cannot be answered ----

rung advise above.db --limit 3
expect "neither goal nor deadline" 2 "" '^rung: advise: neither --goal nor --deadline'
rung advise above.db --goal 1 --deadline 2
expect "both" 2 "" '^rung: advise: --goal and --deadline ask'
rung advise above.db --goal 0
expect "a goal of 0" 2 "" '^rung: --goal: '
rung advise above.db --goal NaN
expect "a goal that is no number" 2 "" '^rung: --goal: "NaN" is no number$'
rung advise above.db --deadline soon
expect "a deadline that is no time" 2 "" '^rung: --deadline: "soon" is no time'
rung advise above.db --goal 1 --candidates 0
expect "no machines" 2 "" '^rung: --candidates: '
rung advise missing.db --goal 1
expect "a database that is not there" 2 "" '^rung: missing.db: '
rung advise above.db missing.db --goal 1
expect "one of several" 2 "" '^rung: missing.db: '
rung advise above.db negative.db --goal 1
expect "metrics that cannot be compared" 2 "" '^rung: negative.db: negative maximizes objective, the searches before it minimize objective'

advice nan "{\"machines\": $MACHINES}" '{"score": "nan"}' "$MINIMIZE" 60 1
rung advise nan.db --goal 1e-4
expect "no value is finite" 2 "" '^rung: advise: no finite objective is recorded$'
advice equal "{\"machines\": $MACHINES}" '{"score": "equal"}'
rung advise equal.db --goal 1e-4
expect "equal values" 2 "" 'equal: convergence model: all 480 losses are the same: nothing tells how far the limit is$'
rung advise equal.db --goal 1e-4 --limit 2 --format json
expect "equal values above a known limit" 0
check_json "never get there" 'not any(r["feasible"] or r["best"] for r in d) and
    all(r["reason"] == "not within 1000000 iterations: 1 from the limit at best" for r in d)'
rung advise equal.db --goal 1e-4 --limit 2
expect "which the table says" 0 '^nothing reaches the goal$'
advice one '{"machines": 4}' '{}' "$MINIMIZE" 1
rung advise one.db --goal 1e-4
expect "one observation" 2 "" '^rung: advise: one: convergence model: 1 usable observation of 1, 10 are needed$'
advice odd '{"machines": {"choice": [0, "four", 4, -1]}, "algorithm": "gd"}'
rung advise odd.db --goal 1e-4 --limit 0
expect "machines that are none" 0 '^left out: 3 models without a number of machines, 1 or more$'
check "leave the others" grep -q '^best: gd on 4 machines' out
rung delete one.db one
rung advise one.db --goal 1e-4
expect "an empty database" 2 "" '^rung: advise: there is no search to learn from$'
finish
