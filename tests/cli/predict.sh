#!/bin/bash
# rung predict: a model's curve in every format, as a plot, and what there is no curve for.
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 81'
rung run s.json --quiet
expect "a search" 0
best=$("$RUNG" best s.db --format csv | sed -n 2p | cut -d, -f3)

rung predict s.db "$best"
expect "a model that came to the end" 0 '^call +score +predicted +low +high$'
check "its last call is the bracket's last" grep -q "^model $best has been trained to call 81, the last of its bracket; --to looks further" out
check "on how much it rests" grep -Eq '^rests on [3-5] observations; curves fitted to the first part' out
check "what is assumed about the limit" grep -Eq '^curve: mean of 50 curves, the heaviest .*; limit 0?\.?[0-9.]+ assumed' out

rung predict s.db "$best" --to 300
expect "forecast further" 0 '^score at call 300: [0-9.]+ \([0-9.]+ to [0-9.]+, 80 %\)$'

rung predict s.db "$best" --to 243 --format json
expect "as JSON" 0
check_json "one object, its keys in order" 'list(d) == ["search", "model", "metric", "goal", "to", "level", "observations", "basis", "limit", "form", "curve"]'
check_json "the model" "d['search'] == 's' and d['model'] == $best and d['metric'] == 'score' and d['goal'] == 'maximize' and d['to'] == 243 and d['level'] == 0.8"
check_json "rows" 'all(list(r) == ["call", "score", "predicted", "low", "high"] for r in d["curve"])'
check_json "calls rise to the end" '[r["call"] for r in d["curve"]] == sorted({r["call"] for r in d["curve"]}) and d["curve"][-1]["call"] == 243'
check_json "each call beyond the last observation" '[r["call"] for r in d["curve"] if r["score"] is None] == list(range(82, 244))'
check_json "each value within its interval" 'all(r["low"] <= r["predicted"] <= r["high"] for r in d["curve"])'
check_json "as many observations as scores" 'd["observations"] == sum(r["score"] is not None for r in d["curve"])'
check_json "a curve that ends at 1" 'abs(d["curve"][-1]["predicted"] - (d["curve"][-163]["score"] + 1/82 - 1/244)) < 0.03'
cp out json
"$RUNG" export s.db --format json >history
cat >scores.py <<'P'
import json, sys
want = [(r["partial_fit_calls"], r["score"]) for r in map(json.loads, open("history")) if r["model"] == int(sys.argv[1])]
got = [(r["call"], r["score"]) for r in json.load(open("json"))["curve"] if r["score"] is not None]
sys.exit(want != got and "%r, not %r" % (got, want))
P
check "scores are those of the history" python3 scores.py "$best"

rung predict s.db "$best" --to 243 --format csv
expect "as CSV" 0
cat >same.py <<'P'
import csv, json
rows = list(csv.reader(open("out", newline="")))
curve = json.load(open("json"))["curve"]
assert rows[0] == ["call", "score", "predicted", "low", "high"], rows[0]
assert len(rows) == len(curve) + 1
for row, want in zip(rows[1:], curve):
    assert [float(v) if v else None for v in row] == [want[k] for k in rows[0]], (row, want)
P
check "the same rows as in JSON" python3 same.py

rung predict s.db "$best" --to 200 --level 0.5 --format json
check_json "a level that was asked for" 'd["level"] == 0.5'
narrow=$(python3 -c 'import json; r = json.load(open("out"))["curve"][-1]; print(r["high"] - r["low"])')
rung predict s.db "$best" --to 200 --level=0.95 --format json
check_json "a higher level is wider" "d['curve'][-1]['high'] - d['curve'][-1]['low'] > 1.5 * $narrow"
rung predict s.db "$best" --to 1000000 --format json
check_json "a long way is forecast in a thousand steps" 'sum(r["score"] is None for r in d["curve"]) == 1000 and d["curve"][-1]["call"] == 1000000'
rung predict s.db "$best" --to 1000000
check "in ten in a table" test "$(sed '1d; /^$/,$d' out | awk '$2 == "-"' | wc -l)" = 10
rung predict s.db "$best" --to 2
expect "an end that was passed" 0 "^model $best has been trained to call 81\$"

# ---- metrics ----

rung predict s.db "$best" --metric loss --format json
expect "a metric" 0
check_json "of every call" 'd["metric"] == "loss" and [r["call"] for r in d["curve"]] == list(range(1, 82)) and d["observations"] == 81'
check_json "which way is better is taken from how it moved" 'd["goal"] == "minimize"'
rung predict s.db "$best" --metric loss --to 100
expect "a metric in a table" 0 '^smaller values are taken to be better: so they have moved$'
check "at most twenty rows of what was seen" test "$(sed '1d; /^$/,$d' out | awk '$2 != "-"' | wc -l)" = 20
check "its column" grep -Eq '^call +loss +predicted' out
rung predict s.db "$best" --metric accuracy
expect "a metric that is not there" 2 "" "^rung: s.db: s: no result of model $best has a metric \"accuracy\"\$"

# ---- few and bad observations ----

one=$("$RUNG" export s.db --what models --format json | python3 -c '
import json, sys
print(next(r["model"] for r in map(json.loads, sys.stdin) if r["calls"] == 1))')
rung predict s.db "$one" --format json
expect "one observation" 0
check_json "is its value with a wide interval" 'd["observations"] == 1 and d["curve"][-1]["call"] == 81 and d["curve"][-1]["predicted"] == d["curve"][0]["score"] and d["curve"][-1]["high"] - d["curve"][-1]["low"] > abs(d["curve"][0]["score"])'
rung predict s.db "$one"
expect "and says so" 0 '^rests on one observation: its value; how it changes is not known$'

spec n '"algorithm": "random", "models": 2, "max_iter": 3' '{"nan": true}'
rung run n.json --quiet
rung predict n.db 0
expect "no score that is a number" 2 "" '^rung: n.db: n: model 0 has no score that is a finite number \(1 observed\)$'
rung predict n.db 0 --metric loss
expect "its metric is one" 0 '^rests on 3 observations'

# Each score is what the table below says; a row per call.
cat >scores.trainer <<'P'
#!/usr/bin/env python3
import json, os, socket
peer = socket.socket(fileno=int(os.environ["RUNG_FD"])).makefile("rw")
scores = {}
def send(**message):
    peer.write(json.dumps(message) + "\n")
    peer.flush()
for line in peer:
    m = json.loads(line)
    if m["type"] == "start":
        scores = m["settings"]["scores"]
        send(type="ready", protocol=1, name="scores")
    elif m["type"] == "job":
        open(m["state_out"], "w").close()
        values = scores[m["model"]]
        for call in range(m["from"] + 1, m["to"] + 1):
            send(type="progress", job=m["job"], call=call, metrics={"v": values[call - 1]})
        send(type="result", job=m["job"], score=values[m["to"] - 1])
P
chmod +x scores.trainer
cat >g.json <<'J'
{"trainer": {"command": ["./scores.trainer"], "count": 1, "settings": {"scores": [
   [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
   [0.1, 0.2, 0.3, 0.4, 0.42, 0.44, 0.45, 0.46, null],
   [0.1, 0.2, 0.3, 1e300, -1e300, 0, 1e-300, 5, 6]]}},
 "parameters": {"a": {"uniform": [0, 1]}},
 "search": {"algorithm": "incremental", "models": 3, "max_iter": 9, "decay_rate": null},
 "objective": {"goal": "minimize"}}
J
rung run g.json --quiet
expect "a search with strange scores" 0
rung predict g.db 0 --to 20 --format json
expect "equal values" 0
check_json "stay, with an interval" 'd["goal"] == "minimize" and abs(d["curve"][-1]["predicted"] - 0.5) < 1e-9 and d["curve"][-1]["low"] < 0.5 < d["curve"][-1]["high"]'
rung predict g.db 1 --to 20
expect "a last value that is not finite" 0 '^left out: 1 of 9 that are not finite numbers, the last among them$'
rung predict g.db 0 --metric v
expect "a metric that has not moved" 0 '^larger values are taken to be better$'
rung predict g.db 2 --to 1000 --format json
expect "values of all sizes" 0
check_json "end in finite numbers" 'all(abs(r[k]) < 1e303 for r in d["curve"] for k in ("predicted", "low", "high"))'

cat >r.json <<'J'
{"trainer": {"command": ["./scores.trainer"], "count": 1, "settings": {"scores": [
   [0.1, null, 0.3, 0.4, 0.42, null, 0.45, 0.46, 0.47]]}},
 "parameters": {"a": {"uniform": [0, 1]}},
 "search": {"algorithm": "random", "models": 1, "max_iter": 9}}
J
rung run r.json --quiet
rung predict r.db 0 --metric v --to 20
expect "values that are not finite" 0 '^left out: 2 of 9 that are not finite numbers$'
rung predict r.db 0 --metric v --to 20 --format json
check_json "have a row and no score" '[r["call"] for r in d["curve"][:9] if r["score"] is None] == [2, 6] and d["observations"] == 7'

# ---- plots ----

rung predict s.db "$best" --to 243 --svg curve.svg --format csv
expect "a plot" 0
check "is XML" python3 -c 'import xml.dom.minidom; assert xml.dom.minidom.parse("curve.svg").documentElement.tagName == "svg"'
check "says what it shows" grep -q "model $best" curve.svg
for word in recorded fitted forecast interval; do
    check "shows what is $word" grep -q ">$word<" curve.svg
done
rung predict s.db "$one" --svg one.svg
expect "a plot of one observation" 0
check "is XML too" python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("one.svg")'
rung predict s.db "$best" --svg no/where.svg
expect "a plot that cannot be made" 2 "" '^rung: no/where.svg: '
cp s.db before.db
rung predict s.db "$best" --svg s.db
expect "a plot in place of the database" 2 "" '^rung: --svg s.db: is the database$'
check "which is still there" cmp s.db before.db

# ---- what is not there ----

rung predict s.db 100000
expect "an unknown model" 2 "" '^rung: s.db: s has no model 100000$'
rung predict s.db x
expect "a model that is no number" 2 "" '^rung: .*"x"'
rung predict s.db
expect "no model" 2 "" '^rung: predict: an operand is missing: DB MODEL$'
rung predict none.db 0
expect "no database" 2 "" '^rung: none.db: '
rung predict s.db 0 --search other
expect "no such search" 2 "" 'other'
for level in 0 1 1.5 -1 nan half "" 0.8x; do
    rung predict s.db 0 --level "$level"
    expect "the level \"$level\"" 2 "" '^rung: --level: '
done
rung predict s.db 0 --to 0
expect "an end before the start" 2 "" '^rung: .*to'

# ---- a search that goes on ----

spec w '"algorithm": "random", "models": 2, "max_iter": 4' "{\"hold\": \"$WORK/hold\"}"
touch hold
"$RUNG" run w.json --quiet --events events &
pid=$!
wait_for events 2
rung predict w.db 0
expect "a model without a result" 2 "" '^rung: w.db: w: model 0 has no result yet$'
rm hold
wait $pid
finish
