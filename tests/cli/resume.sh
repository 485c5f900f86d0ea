#!/bin/bash
# rung resume: after a kill, an interruption, a limit; what may be changed; what changes nothing.
. "$(dirname "$0")/lib.bash"

start() { # ARGUMENT…: in the background, until the first job is with a trainer
    rm -f jobs
    touch hold
    "$RUNG" "$@" >out 2>err </dev/null &
    pid=$!
    wait_for jobs 1
}
spec s '"max_iter": 9' '{"jobs": "jobs", "hold": "hold"}'
history() { "$RUNG" export "$1" | cut -d, -f3-8 | sort; }

rung run s.json --db whole.db --quiet
expect "a search that is not disturbed" 0
sort jobs >all

# ---- killed ----
start run s.json --db killed.db
kill -9 $pid
wait $pid 2>/dev/null
rm -f hold
rung list killed.db --format json
check_json "killed: shown as interrupted" "d[0]['status'] == 'interrupted'"
rung run s.json --db killed.db
expect "killed: run is refused" 2 "" '^rung: killed.db: holds an unfinished search called s$'
rung resume killed.db
expect "killed: resumed to the end" 0 '^rank '
check "killed: the same results" same <(history whole.db) <(history killed.db)
cp killed.db before
rung resume killed.db
expect "finished: resume prints the leaderboard" 0 '^rank '
check "finished: and changes nothing" cmp killed.db before
rung resume killed.db --set limits.time=5
expect "finished: --set is not silently dropped" 0 "" '^rung: note: s is finished: --set changes nothing$'

for wrong in "--key k" "--listen nohost.invalid:1" "--trainers 0" "--trainers x" "--slurm none" "--orphan-timeout 1" \
    "--time-limit soon" "--heartbeat 1" "--listen nowhere --key k"; do
    # shellcheck disable=SC2086
    rung resume killed.db $wrong
    expect "finished: $wrong is refused all the same" 2 "" "^rung: ${wrong%% *}: "
done
cp killed.db before

# ---- interrupted ----
start run s.json --db int.db
kill -INT $pid
rm -f hold
wait $pid
rc=$?
expect "interrupted: exit status" 130 "" '^rung: s: interrupted$'
check "interrupted: says how to go on" grep -qx 'rung resume int.db' err
first=$("$RUNG" export int.db | wc -l)
check "interrupted: the running jobs were kept" test "$first" -gt 1
mv jobs jobs.before
"$RUNG" key int.key >/dev/null
"$RUNG" list int.db --format csv >before
for address in 192.0.2.1:7700 no.such.host.invalid:77; do
    rung resume int.db --listen $address --key int.key
    check "interrupted: $address is refused" holds err "^rung: --listen: $address: "
    check "interrupted: and nothing changed" same before <("$RUNG" list int.db --format csv)
done
rung resume int.db --quiet
expect "interrupted: resumed" 0
check "interrupted: the same results" same <(history whole.db) <(history int.db)
check "interrupted: no job was run twice" same all <(sort jobs.before jobs)

# ---- limits ----
rm -f jobs
rung run s.json --db lim.db --set limits.calls=20 --quiet
expect "limit: exit status" 3 "" '^rung: s: stopped by a limit'
check "limit: says how to go on" grep -qx 'rung resume lim.db --set limits.calls=null' err
rung resume lim.db
expect "limit: still reached" 3 "" '^rung: s: limits.calls is reached: [0-9]+ calls, the limit is 20$'
check "limit: names the --set" grep -qx 'rung resume lim.db --search s --set limits.calls=null' err
rung resume lim.db --set limits.calls=null --quiet
expect "limit: lifted" 0
check "limit: the same results" same <(history whole.db) <(history lim.db)
rung show lim.db --format json
check_json "limit: the change is stored" "d['spec']['limits']['calls'] is None"
rung run s.json --db score.db --set limits.score=0.1 --quiet
expect "score limit" 3
rung resume score.db
expect "score limit: still reached" 3 "" '^rung: s: limits.score is reached: the best score is 0\.[0-9]+, the limit 0\.1$'
rung resume score.db --set limits.score=null --quiet
expect "score limit: lifted" 0

spec long '"algorithm": "random", "models": 100000, "max_iter": 1'
rung run long.json --time-limit 0.3 --quiet
expect "--time-limit" 3 "" '^rung: long: stopped by a limit'
rung run long.json --db time.db --set limits.time=0.3 --quiet
expect "time limit" 3
rung resume time.db
expect "time limit: still reached" 3 "" '^rung: long: limits.time is reached: [0-9.]+ s of running time, the limit is 0\.3 s$'
rung resume time.db --set limits.time=null --time-limit 0.3 --quiet
expect "time limit: lifted, for as long" 3

# ---- ended without one usable model ----
spec broken '"max_iter": 3' '{"nan": true}' ', "on_end": ["sh", "-c", "echo >>ends"]'
rung run broken.json
cp err broken.err
"$RUNG" list broken.db --format csv >before
rung resume broken.db
expect "ended badly: stays so" 1
check "ended badly: says the same" same <(tail -n 2 broken.err) err
check "ended badly: nothing is changed" same before <("$RUNG" list broken.db --format csv)
check "ended badly: on_end has had its turn" test "$(wc -l <ends)" = 1

# ---- changes ----
start run s.json --db ch.db
kill -9 $pid
wait $pid 2>/dev/null
rm -f hold
cp ch.db before
for key in search.seed search.max_iter name parameters.a objective.goal searc limit trainers; do
    rung resume ch.db --set $key=7
    expect "change of $key is refused" 2 "" "^rung: --set $key: cannot be changed once a search has begun$"
done
rung resume ch.db --set search.priority=best
expect "a value that cannot be" 2 "" 'search.priority: '
rung resume ch.db --set 'trainer.command=["./none"]'
expect "a trainer that is not there" 2 "" 'trainer.command: .*none'
rung resume ch.db --search other
expect "a search that is not there" 2 "" 's'
rung resume ch.db --trainers 0
expect "no trainers" 2 "" '^rung: --trainers: 0 trainers'
rung list ch.db --format json
check_json "refused: nothing was changed" "d[0]['status'] == 'interrupted' and d[0]['calls_done'] == 0"
rung resume ch.db --set search.priority=fifo --set trainer.settings.more=1 --set limits.retries=0
expect "changes that are allowed" 0 "" '^rung: note: .*trainer.settings was .*, is .*"more":1'
rung show ch.db --format json
check_json "are stored" "d['spec']['search']['priority'] == 'fifo' and d['spec']['trainer']['settings']['more'] == 1"
check "and noted" python3 - <<'P'
import sqlite3, json
db = sqlite3.connect("ch.db")
tables = [t for t, in db.execute("select name from sqlite_master where type = 'table'")]
texts = [str(row) for t in tables for row in db.execute('select * from "%s"' % t)]
assert any("trainer.settings was" in text for text in texts)
P

# ---- which database, which search ----
rung resume
expect "no database" 2 "" '^rung: resume: an operand is missing: DB$'
rung resume --db killed.db --quiet
expect "the database as an option" 0
rung resume a.db --db b.db
expect "two databases" 2 "" 'two databases are named, a.db and --db b.db$'
rung resume none.db
expect "a database that is not there" 2 "" '^rung: none.db: '
check "is not made" test ! -e none.db
start run s.json --db busy.db
rung resume busy.db
expect "a database that another rung writes" 2 "" "$pid"
rm -f hold
wait $pid
rc=$?
check "which is not disturbed" test $rc = 0
finish
