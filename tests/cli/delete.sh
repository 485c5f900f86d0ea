#!/bin/bash
# rung delete
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 3'
rung run s.json --quiet
rung run s.json --quiet
rung delete s.db other
expect "a search that is not there" 2 "" 's-2'
check "both are there" test -d s.db.states/s -a -d s.db.states/s-2
rung delete s.db s
expect "deleted" 0 '^s.db: s is deleted$'
rung list s.db --format json
check_json "the other one is left" "[x['search'] for x in d] == ['s-2']"
check "no row is left" python3 - <<'P'
import sqlite3
db = sqlite3.connect("s.db")
for view in "history leaderboard models calls failures brackets searches trainers".split():
    assert db.execute("select count(*) from %s where search = 's'" % view).fetchone()[0] == 0, view
    assert view == "failures" or db.execute("select count(*) from %s where search = 's-2'" % view).fetchone()[0], view
P
check "no file is left" test ! -e s.db.states/s -a ! -e s.db.logs/s
check "the other's are" test -d s.db.logs/s-2
rung run s.json --quiet
rung list s.db --format json
check_json "the name is free again" "sorted(x['search'] for x in d) == ['s', 's-2']"
spec busy '"max_iter": 3' '{"jobs": "jobs", "hold": "hold"}'
touch hold
"$RUNG" run busy.json --db s.db --quiet 2>busy.err &
pid=$!
wait_for jobs 1
rung delete s.db s
expect "while a search runs" 2 "" "$pid"
rm hold
wait $pid
check "which goes on" test $? = 0
finish
