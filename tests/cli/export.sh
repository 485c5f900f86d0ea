#!/bin/bash
# rung export, top, list and show: the same rows as the views, in every format.
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 9' '{"fail": [2]}'
rung run s.json --quiet
rung run s.json --set search.seed=1 --quiet
expect "two searches in a database" 0

cat >compare.py <<'P'
"""Rows printed by rung (file `out`, in the format named) against the view itself, read by sqlite3."""
import csv, json, sqlite3, sys
view, form, search = sys.argv[1], sys.argv[2], sys.argv[3]
db = sqlite3.connect("s.db")
cursor = db.execute("select * from %s where search = ?" % view, (search,))
names = [c[0] for c in cursor.description]
want = cursor.fetchall()
jsons = {"parameters", "metrics", "rungs", "spec", "test_metrics", "notes"}
def cell(name, value):
    if value is None or name not in jsons:
        return value
    return json.loads(value)
if form == "csv":
    rows = list(csv.reader(open("out", newline="")))
    assert rows[0] == names, rows[0]
    got = [[None if text == "" else text for text in row] for row in rows[1:]]
    want = [[None if v is None else v if isinstance(v, str) else repr(v) for v in row] for row in want]
    def plain(row):
        out = []
        for name, v in zip(names, row):
            if v is not None and name in jsons:
                v = json.dumps(json.loads(v))
            elif v is not None:
                try: v = float(v)
                except ValueError: pass
            out.append(v)
        return out
    got, want = [plain(r) for r in got], [plain(r) for r in want]
else:
    got = [json.loads(line) for line in open("out")] if form == "lines" else json.load(open("out"))
    assert all(list(row) == names for row in got), got[:1]
    got = [list(row.values()) for row in got]
    want = [[cell(n, v) for n, v in zip(names, row)] for row in want]
assert len(got) == len(want) and len(want) > 0, (len(got), len(want))
key = lambda row: json.dumps(row)
assert sorted(got, key=key) == sorted(want, key=key), (got[:2], want[:2])
P
for view in history leaderboard models calls failures brackets searches trainers; do
    rung export s.db --what $view
    check "$view as csv" python3 compare.py $view csv s-2
    rung export s.db --what $view --format json --search s
    check "$view as json lines" python3 compare.py $view lines s
done
rung export s.db
check "history is the default" python3 compare.py history csv s-2
rung export s.db --format json
check "in order of seq" python3 -c 'import json; s = [json.loads(l)["seq"] for l in open("out")]; assert s == list(range(1, len(s) + 1))'
rung top s.db --format json
check "top as json" python3 compare.py leaderboard json s-2
check_json "in order of rank" "[r['rank'] for r in d] == list(range(1, len(d) + 1))"
cp out all
rung top s.db --format json -n 3
check_json "-n" "d == json.load(open('all'))[:3]"
rung top s.db --format json -n 0
check_json "-n 0 is all" "d == json.load(open('all'))"
rung top s.db --format csv --search s
check "top as csv" python3 compare.py leaderboard csv s
rung top s.db -n 2
check "top as a table" test "$(wc -l <out)" = 3
rung top s.db -n 0
check "-n 0 as a table" test "$(wc -l <out)" = 18
rung top s.db
check "no more than there is" test "$(wc -l <out)" = 18
rung run s.json --db wide.db --set search.max_iter=27 --quiet
rung top wide.db
expect "a table of many models is cut" 0 '^29 more models \(-n 0 for all\)$'
check "at the end of a screen" test "$(wc -l <out)" = 22
rung top wide.db -n 0
check "unless all are asked for" test "$(wc -l <out)" = 50
rung top wide.db -n 48
check "a number that was given is enough said" test "$(wc -l <out)" = 49
rung top wide.db --format csv
check "programs get all" test "$(wc -l <out)" = 50
rung top s.db -n -1
expect "-n -1" 2 "" '^rung: -n: -1 is less than 0$'
rung list s.db --format json
check_json "list as json" "[s['search'] for s in d] == ['s', 's-2'] and isinstance(d[0]['spec'], dict)"
rung list s.db
expect "list as a table" 0 '^s-2 +finished +hyperband +17 +69 '

# ---- show ----
rung show s.db --format json
expect "show" 0
check_json "one object with brackets and trainers" \
    "d['search'] == 's-2' and [b['bracket'] for b in d['brackets']] == [2, 1, 0] and d['trainers'][0]['kind'] == 'local'"
rung show s.db 3 --format json
check_json "a model with its history" "d['model'] == 3 and [h['model'] for h in d['history']] == [3] * len(d['history']) and d['history']"
rung show s.db 2 --format json
check_json "a failed one with its failures" "d['status'] == 'failed' and d['failures'][0]['reason'] == 'told to fail'"
rung show s.db 3 --format csv
check "its history as csv" python3 -c 'import csv; r = list(csv.DictReader(open("out"))); assert r and all(x["model"] == "3" for x in r)'
rung show s.db
expect "show as a table" 0 '^bracket +models +calls_planned'
rung show s.db 2
expect "a failed model as a table" 0 'told to fail'
rung show s.db 99
expect "a model that is not there" 2 "" '^rung: s.db: s-2 has no model 99$'
rung show s.db best
expect "a model that is no number" 2 "" '^rung: model: "best" is no whole number$'

# ---- what is not there ----
rung export s.db --what leaderbord
expect "a misspelt view" 2 "" '^rung: --what: there is no view "leaderbord" \(did you mean "leaderboard"\?\)$'
rung top s.db --search t
expect "a search that is not there" 2 "" 's-2'
rung top none.db
expect "a database that is not there" 2 "" '^rung: none.db: '
check "is not made" test ! -e none.db
for command in top list show export best logs; do
    echo "plain text that is no database at all" >text.db
    rung $command text.db
    expect "$command of a file that is no database" 2 "" '^rung: text.db: '
done
finish
