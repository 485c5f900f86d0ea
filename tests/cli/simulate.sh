#!/bin/bash
# rung simulate: the published replay, recorded searches against themselves, and what cannot be simulated.
. "$(dirname "$0")/lib.bash"

# ---- a spec ----

cat >replay.json <<'SPEC'
{"trainer": {"command": ["no-such-program"]}, "parameters": {"a": {"uniform": [0, 1]}},
 "search": {"max_iter": 243, "variant": "dask", "patience": 81, "tol": null}}
SPEC
published() { # NAME EXPRESSION OPTION…: of the replay with its durations
    local name=$1 expression=$2
    shift 2
    rung simulate replay.json --fit-seconds 1 --score-seconds 1.5 --format json "$@"
    check_json "$name" "$expression"
}

published "the replay by jobs" '[r["seconds"] for r in d] == [711, 459, 335, 314]' --trainers 8,16,24,32
check_json "within 7 % of the recorded times" \
    'all(abs(r["seconds"] / t - 1) < .07 for r, t in zip(d, [743, 430, 352, 319]))'
check_json "all of its work" 'all(r["fit_seconds"] == 4743 and r["score_seconds"] == 546 for r in d)'
check_json "the time of all trainers is accounted for" \
    'all(abs(r["trainers"] * r["seconds"] - sum(r[k + "_seconds"] for k in
     ["fit", "score", "overhead", "transfer", "lost", "idle_start", "idle_barrier", "idle_no_work"])) < 1e-6 for r in d)'
check_json "the same winner on every number of trainers" 'len({r["winner"] for r in d}) == 1 and d[0]["done"]'
check_json "points rise to the best score" 'all(r["points"] == sorted(r["points"]) and
    r["points"][-1] == [r["best_at"], r["best_score"]] and r["near_best_at"] <= r["best_at"] for r in d)'
check_json "brackets add up" 'all(sum(b["calls"] for b in r["brackets"]) == r["calls"] == 4743 and
    max(b["ended_at"] for b in r["brackets"]) == r["seconds"] for r in d)'
published "the replay by calls" '[r["seconds"] for r in d] == [662.5, 394, 704, 436.5]' \
    --trainers 8,16 --unit call --priority fifo,score
check_json "a row for each priority" '[r["priority"] for r in d] == ["fifo", "fifo", "score", "score"]'
published "orders of brackets" '[(r["bracket_order"], r["winner"]) for r in d] ==
    [("planned", 50), ("reversed", 50), ("0,4", 50)] and len({r["seconds"] for r in d}) == 3' \
    --trainers 8 --bracket-order planned --bracket-order reversed --bracket-order 0,4
published "slow trainers" 'd[0]["seconds"] > 711' --trainers 8 --slow 4:2
published "what the way of a state costs" 'd[0]["transfer_seconds"] > 10 and d[0]["seconds"] > 314' --trainers 32 --transfer-seconds 5
published "lost attempts" 'd[0]["lost"] > 20 and d[0]["winner"] == 50 and d[0]["seconds"] > 711 and
    d[0]["lost_seconds"] >= 4 * d[0]["lost"]' --trainers 8 --loss 0.1 --start-seconds 4
cp out once
published "are those of the seed" 'd == json.load(open("once"))' --trainers 8 --loss 0.1 --start-seconds 4 --seed 0
published "another seed loses others" 'd != json.load(open("once"))' --trainers 8 --loss 0.1 --start-seconds 4 --seed 1
rung simulate replay.json --model ernest:2,1,0,0.25 --trainers 1,8 --format json
check_json "Ernest's terms" 'd[0]["seconds"] == 364 * 2.25 + 4743 and d[1]["fit_seconds"] > d[0]["fit_seconds"]'
rung simulate replay.json --model lognormal:0.5 --seed 1 --trainers 8 --format json
check_json "models of different speed" 'd[0]["calls"] == 4743 and d[0]["fit_seconds"] % 1 != 0'
rung simulate replay.json --trainers 100000 --set search.variant=exact --set search.max_iter=59049 --format csv
expect "many trainers" 0 '^trainers,priority,.*,states_peak$'
check "have nothing to do" grep -q '^100000,score,planned,job,59049,' out
published "calls that take no time" 'd[0]["seconds"] == 0 and d[0]["speedup"] is None and d[0]["done"]' \
    --trainers 8 --fit-seconds 0 --score-seconds 0
rung simulate replay.json --fit-seconds 0 --trainers 8
expect "or so in a table" 0 '^ +8  0 s +- +- '
rung simulate replay.json --fit-seconds 1e12 --trainers 8
expect "ages" 0 '^ +8  6.4e\+14 s '
mkfifo pipe.json
cat replay.json >pipe.json &
rung simulate pipe.json --trainers 8 --fit-seconds 1 --score-seconds 1.5 --format json
wait $!
expect "a spec from a pipe" 0 '"seconds":711,'
rung simulate replay.json
expect "a table for people" 0 '^ +32 +[0-9:]+ +[0-9.]+ +[0-9]+ %'

# ---- a recorded search ----

cat >sleep.json <<SPEC
{"trainer": {"command": ["python3", "$HERE/cost_trainer.py"],
             "settings": {"call": 0.006, "job": 0.004, "noise": 0.3, "sleep": 1}},
 "parameters": {"net": {"choice": ["small", "large"]}, "batch_size": {"choice": [32, 64, 128]},
                "rate": {"log_uniform": [1e-4, 1]}},
 "search": {"max_iter": 27}}
SPEC
for trainers in 1 2 3; do
    rung run sleep.json --db "sleep$trainers.db" --trainers $trainers --quiet
    rung list "sleep$trainers.db" --format json
    elapsed=$(python3 -c 'import json; print(json.load(open("out"))[0]["elapsed"])')
    rung simulate "sleep$trainers.db" --trainers $trainers --format json
    check_json "a search of $trainers trainers takes what it took" \
        "abs(d[0]['seconds'] / $elapsed - 1) < .15 and d[0]['done'] and d[0]['unknown'] == 0"
    rung best "sleep$trainers.db" --format json
    cp out best
    rung simulate "sleep$trainers.db" --format json
    check_json "and has its winner on any other number" \
        'all(r["winner"] == json.load(open("best"))["model"] and
             r["winner_score"] == json.load(open("best"))["score"] for r in d)'
    check_json "the recorded number among them" "$trainers in [r['trainers'] for r in d] and len(d) >= 4"
done
rung simulate sleep2.db --format json --trainers 2,2
check_json "the same twice" 'd[0] == d[1]'
rung simulate sleep2.db --fit-seconds 1 --score-seconds 1.5 --trainers 1 --format json
check_json "fixed durations" 'd[0]["seconds"] == 357 + 69 * 1.5 and d[0]["overhead_seconds"] == 0'
rung simulate sleep2.db --fit-seconds 2m --trainers 1 --format json
check_json "fixed ones of calls alone" '357 * 120 < d[0]["seconds"] < 357 * 120 + 1'
rung simulate sleep2.db --set search.max_iter=9 --trainers 2 --format json
check_json "another plan: what is not recorded is left out" 'd[0]["unknown"] > 0 and not d[0]["done"] and d[0]["winner"] is None'
expect "and said" 0 '' '^rung: [0-9]+ jobs? (is|are) not recorded'
rung simulate sleep2.db --set search.patience=4 --unknown last --trainers 2 --format json
check_json "or the last score is taken" 'd[0]["guessed"] > 0'
expect "which is said, too" 0 '' '^rung: [0-9]+ scores? (is|are) not recorded'

rung simulate sleep2.db --priority score,fifo --svg scores.svg --svg-time times.svg
expect "plots" 0 '^trainers  priority'
check "are well-formed" python3 -c 'import xml.dom.minidom as m; m.parse("scores.svg"); m.parse("times.svg")'
check "name their lines" grep -q '>2 trainers, fifo</text>' scores.svg
check "and what bounds the time" grep -q '>longest model alone</text>' times.svg

# ---- searches that did not go well ----

spec cut
rung run cut.json --db cut.db --quiet --trainers 2 --set limits.calls=15
rung simulate cut.db --trainers 1,4 --format json
check_json "an interrupted search goes as far as it went" \
    'all(not r["done"] and r["unknown"] > 0 and 15 <= r["calls"] and r["best_score"] is not None for r in d)'
rung simulate cut.db
expect "and that is said" 0 '^[0-9]+ jobs are not recorded: '
rung resume cut.db --quiet --set limits.calls=null
rung simulate cut.db --trainers 2
expect "a resumed one is simulated in one go" 0 '^the search was stopped and resumed'
rung simulate cut.db --trainers 2 --format json
check_json "to its end" 'd[0]["done"] and d[0]["calls"] == 69'

spec failing '"max_iter": 9' '{"fail": [1, 5], "retry": true}' ',"limits": {"retries": 1}'
rung run failing.json --db failing.db --quiet --trainers 2
rung simulate failing.db --trainers 2 --format json
check_json "models that failed fail again" 'd[0]["done"] and d[0]["scores"] == d[0]["jobs"] - 2 and d[0]["unknown"] == 0'
spec nan '"max_iter": 9' '{"nan": true}'
rung run nan.json --db nan.db --quiet --trainers 2
rung simulate nan.db --trainers 2 --format json
check_json "scores that are no numbers" 'd[0]["done"] and d[0]["best_score"] is None and d[0]["points"] == [] and
    d[0]["winner"] is None and d[0]["best_at"] is None'
rung simulate nan.db --svg nan.svg
expect "in a table and a plot" 0 ' - '
spec asha '"algorithm": "asha", "max_iter": 9, "models": 20'
rung run asha.json --db asha.db --quiet --trainers 2
rung simulate asha.db --trainers 1,2,8 --unknown last --format json
check_json "asha in another order" 'all(r["models"] <= 20 and r["calls"] > 20 for r in d)'
spec one '"algorithm": "random", "models": 1, "max_iter": 3'
rung run one.json --db one.db --quiet --trainers 2
rung simulate one.db --format json
check_json "one job alone" 'all(r["jobs"] == 1 and r["done"] for r in d)'
spec dead '"max_iter": 9' '{}'
sed -i 's/.\/trainer.py/.\/no-such-trainer.py/' dead.json
printf '#!/bin/sh\nexit 1\n' >no-such-trainer.py
chmod +x no-such-trainer.py
rung run dead.json --db dead.db --quiet
rung simulate dead.db
expect "a search without results" 2 "" '^rung: dead.db: dead: no results are recorded$'

# ---- what cannot be simulated ----

refused() { # NAME MESSAGE ARGUMENT…
    local name=$1 message=$2
    shift 2
    rung simulate "$@"
    expect "$name" 2 "" "$message"
    check "$name: one sentence, nothing else" test "$(head -n 1 err | wc -c)" -lt 300 -a ! -s out
}

refused "no file" '^rung: no.db: No such file' no.db
refused "a folder" '^rung: \.: Is a directory' .
printf 'SQLite format 3' >short.db
refused "less than a header" '^rung: short.db: ' short.db
printf 'SQLite format 3\0garbage' >garbage.db
refused "a header and garbage" '^rung: garbage.db: ' garbage.db
head -c 5000 /dev/urandom >noise
refused "noise" '^rung: noise: ' noise
: >empty
refused "an empty file" '^rung: empty: ' empty
python3 -c 'import sqlite3; sqlite3.connect("other.db").execute("create table a(b)").connection.commit()'
refused "another database" '^rung: other.db: ' other.db
cp one.db harmed.db
python3 -c '
import sqlite3
db = sqlite3.connect("harmed.db")
db.execute("update event set calls = 99 where kind = 1")
db.commit()'
refused "a record that is none" '^rung: harmed.db: one: .*call 99' harmed.db
refused "no such search" '^rung: .*sleep2.db.*x' sleep2.db --search x
refused "a search of a spec" '^rung: --search: ' replay.json --search x
refused "other models" '^rung: --set: that draws other models' sleep2.db --set search.seed=7
refused "other parameters" '^rung: --set parameters.net=1: ' sleep2.db --set parameters.net=1
refused "a model for a record" '^rung: --model: ' sleep2.db --model synthetic
refused "a model that is none" '^rung: --model: "fast": unknown' replay.json --model fast
refused "terms that are missing" '^rung: --model: ernest: ' replay.json --model ernest:1,2
refused "unknown scores of a spec" '^rung: --unknown: ' replay.json --unknown last
refused "no trainers" '^rung: --trainers: ' replay.json --trainers 0
refused "a priority that is none" '^rung: --priority: "best"' replay.json --priority score,best
refused "a priority twice" '^rung: --priority: fifo is named twice' replay.json --priority fifo,fifo
refused "a unit that is none" '^rung: --unit: "task"' replay.json --unit task
refused "a bracket that is none" '^rung: --bracket-order 9: there is no bracket 9' replay.json --bracket-order 9
refused "a bracket twice" '^rung: --bracket-order 1,1: bracket 1 is named twice' replay.json --bracket-order 1,1
refused "an order that is none" '^rung: --bracket-order: ' replay.json --bracket-order backwards
refused "a negative duration" '^rung: --fit-seconds: "-1"' replay.json --fit-seconds -1
refused "a duration that is no number" '^rung: --score-seconds: "nan"' replay.json --score-seconds nan
refused "a share above 1" '^rung: --loss: "1.5"' replay.json --loss 1.5
refused "slow trainers without a factor" '^rung: --slow: "3"' replay.json --slow 3
refused "a plot in place of the database" '^rung: --svg sleep2.db: ' sleep2.db --svg sleep2.db
refused "two plots in one file" '^rung: --svg-time x.svg: ' sleep2.db --svg x.svg --svg-time x.svg
refused "or so by another name" '^rung: --svg-time x.svg: ' sleep2.db --svg ./x.svg --svg-time x.svg
check "neither is made" test ! -e x.svg
refused "a plot without a name" '^rung: "": cannot be made' sleep2.db --svg ""
refused "durations without a sum" '^rung: the durations add up' replay.json --model ernest:1e308,0,0,0
refused "more models than there is room for" '^rung: search: 1792078897 models, more than ' replay.json \
    --set search.variant=exact --set search.max_iter=2147483647
refused "a plot in no folder" '^rung: none/x.svg: ' sleep2.db --svg none/x.svg
cat >endless.json <<'SPEC'
{"trainer": {"command": ["x"]}, "parameters": {"a": 1}, "search": {"algorithm": "asha", "max_iter": 9}, "limits": {"calls": 10}}
SPEC
refused "a search without an end" '^rung: endless.json: search.models: ' endless.json

finish
