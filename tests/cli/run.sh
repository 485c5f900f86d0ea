#!/bin/bash
# rung run: what it records, prints and refuses.
. "$(dirname "$0")/lib.bash"

# ---- a search from beginning to end ----
spec first
rung run first.json
expect "a search" 0 '^rank +model +score +status +bracket +calls +parameters$'
check "five models are shown" test "$(grep -c '^ *[0-9].* completed\|^ *[0-9].* stopped' out)" = 5
check "the test score of the best" grep -qx 'test score of the best: 0.625' out
check "three commands to go on with" test "$(grep -c '^rung [a-z]* first.db' out)" = 3
check "a line per rung" test "$(grep -cE '^bracket [0-9] rung [0-9]: ' err)" = 6
check "no escape without a terminal" bash -c '! grep -q "$(printf "\033")" out err'
check "the database has the spec's name" test -f first.db
check "recorded as finished" python3 - <<'P'
import sqlite3, json, hashlib
db = sqlite3.connect("first.db")
status, spec, program = db.execute("select status, spec, program from searches").fetchone()
assert status == "finished", status
spec = json.loads(spec)
assert spec["name"] == "first" and spec["trainer"]["command"][0].startswith("/"), spec
digest = hashlib.sha256(open("trainer.py", "rb").read()).hexdigest()
assert program == spec["trainer"]["command"][0] + " sha256:" + digest, program
assert db.execute("select count(*) from history").fetchone()[0] == 22
P

# ---- names ----
rung run first.json --quiet
expect "a second search of that name" 0
check "quiet" test ! -s out -a ! -s err
rung run first.json --quiet
rung list first.db --format json
check_json "names are counted up" "[s['search'] for s in d] == ['first', 'first-2', 'first-3']"

# ---- options ----
rung run first.json --db other.db --set name=renamed --set search.max_iter=3 --set search.max_iter=1 --quiet
expect "--db and --set" 0
rung show other.db --format json
check_json "overrides in order, stored" "d['search'] == 'renamed' and d['spec']['search']['max_iter'] == 1 and d['models'] == 1"
rung run first.json --db t.db --trainers 3 --quiet
rung show t.db --format json
check_json "--trainers wins over trainer.count" "len(d['trainers']) <= 3 and d['spec']['trainer']['count'] == 2"
rung run first.json --db t.db --trainers 0
expect "no trainers" 2 "" '^rung: --trainers: 0 trainers, and no worker can come$'
rung run first.json --db t.db --set trainer.count=0
expect "no trainers by the spec" 2 "" '^rung: trainer.count: 0 trainers, and no worker can come$'
rung run first.json --db t.db --set trainer.count=70000
expect "more trainers than can be" 2 "" '^rung: first.json: trainer.count: expected an integer <= 65536, found 70000$'
rung run first.json --db t.db --trainers two
expect "trainers that are no number" 2 "" '^rung: --trainers: "two" is no whole number$'
rung run first.json --db t.db --time-limit soon
expect "a limit that is no duration" 2 "" '^rung: --time-limit: "soon" is no duration'
rung run first.json --db e.db --events events --trainers 1
expect "--events" 0
check "an event a line" python3 - <<'P'
import json
events = [json.loads(line) for line in open("events")]
assert all({"at", "type"} <= set(e) for e in events)
assert sum(e["type"] == "result" for e in events) == 22, len(events)
P
lines=$(wc -l <events)
rung run first.json --db e.db --events events --quiet
check "events are appended" test "$(wc -l <events)" -gt "$lines"
rung run first.json --db new.db --events new.db
expect "--events may not be the database" 2 '' 'rung: --events new.db: is the database'
check "and nothing was made" test ! -e new.db
ln -s e.db link
rung run first.json --db e.db --events link
expect "--events may not be the database by another name" 2 '' 'rung: --events link: is the database'
rung run first.json --db e.db --events -
expect "events on standard output" 0 '^\{' '^rank '
check "and nothing else there" python3 -c 'import json; [json.loads(line) for line in open("out")]'

# ---- refused, with nothing changed ----
rung run first.json --db new.db --events none/events
expect "an events file that cannot be" 2 "" '^rung: --events none/events: '
check "no database was made" test ! -e new.db
rung run first.json --db none/new.db --events e2
expect "a database that cannot be" 2 "" '^rung: none/new.db: '
check "no events file was made" test ! -e e2
echo "no database" >text.db
cp text.db before
rung run first.json --db text.db
expect "a file that is no database" 2 "" '^rung: text.db: '
check "it is as it was" cmp text.db before
rung run first.json --set search.max_iter=0 --db new.db
expect "a spec that cannot be" 2 "" '^rung: first.json: search.max_iter: '
check "no database for it" test ! -e new.db
rung run first.json --set 'trainer.command=["./none"]' --db new.db
expect "a trainer that is not there" 2 "" 'trainer.command'
check "no database for it either" test ! -e new.db
rung run first.json --set search.patience=true --set search.max_iter=4 --db n.db
expect "notes of the spec" 0 "" '^rung: note: search.patience'

# ---- workers that cannot come, or alone can ----
"$RUNG" key run.key >/dev/null
workers() { # NAME ERROR ADDRESS: it is refused, and nothing is left of it
    rung run first.json --db far.db --events far --listen "$3" --key run.key
    expect "$1" 2 "" "^rung: --listen: $2\$"
    check "$1: nothing was made" test -z "$(find . -name 'far*')"
}
coproc python3 -uc 'import socket, sys
held = socket.create_server(("127.0.0.1", 0))
print(held.getsockname()[1])
sys.stdin.read()' # until this script ends
read -r port <&"${COPROC[0]}"
workers "another program listens there" "127.0.0.1:$port: another program listens there" "127.0.0.1:$port"
workers "an address of another machine" "192.0.2.1:7700: it is no address of this machine" 192.0.2.1:7700
rung run first.json --db far.db --listen no.such.host.invalid:77 --key run.key
check "a name that nobody knows" test $rc != 0 # where nobody can be asked it is no use error
check "a name that nobody knows: says so" holds err '^rung: --listen: no.such.host.invalid:77: the name '
check "a name that nobody knows: nothing was made" test -z "$(find . -name 'far*')"
rung run first.json --db far.db --trainers 2 --listen 127.0.0.1:0 --key run.key --quiet
expect "the command put right" 0
rung run first.json --db port.db --trainers 2 --listen 127.0.0.1:0 --key run.key
expect "the port is said" 0 "" '^rung: note: workers are taken at port [1-9][0-9]*$'

spec gone '"max_iter": 3'
sed -i 's|"./trainer.py"|"./gone.py"|' gone.json
rung run gone.json --listen 127.0.0.1:0 --key run.key
expect "a program that is not there, with trainers here" 2 "" '^rung: gone.json: trainer.command: .*No such file'
for option in "--trainers 0" "--set trainer.count=0"; do
    # shellcheck disable=SC2086
    timeout -s INT 1 "$RUNG" run gone.json --db "gone $option.db" --listen 127.0.0.1:0 --key run.key $option >out 2>err
    rc=$?
    check "a program for workers alone ($option)" holds err \
        "^rung: note: $WORK/gone.py is not on this machine: only workers that have it can train\$"
    rung show "gone $option.db" --format json
    check_json "its path is stored ($option)" "d['spec']['trainer']['command'] == ['$WORK/gone.py']"
done
rung resume "gone --trainers 0.db"
expect "resumed with trainers here" 2 "" 'trainer.command: .*gone.py: No such file'
timeout -s INT 1 "$RUNG" resume "gone --trainers 0.db" --listen 127.0.0.1:0 --key run.key --trainers 0 >out 2>err
check "resumed for workers alone" holds err 'gone.py is not on this machine: only workers'
check "the way out has what workers need" grep -qxF \
    "rung resume 'gone --trainers 0.db' --trainers 0 --listen 127.0.0.1:0 --key run.key" err
rung run gone.json --db "gone --trainers 0.db" --listen 127.0.0.1:0 --key run.key --trainers 0 --quiet
expect "it stands in the way" 2
check "and its way out has them, too" grep -qxF \
    "rung resume 'gone --trainers 0.db' --search gone --trainers 0 --listen 127.0.0.1:0 --key run.key" err

spec unready '"max_iter": 3'
rung run unready.json --db alone.db --set 'trainer.command=["/bin/false"]' --set limits.start_timeout=0.3 \
    --listen 127.0.0.1:0 --key run.key
expect "no trainer starts, and no other worker comes" 1 "" '^rung: unready: no trainer could be started: trainer [01]: '
check "it is said what is waited for" holds err 'all trainers were given up: the search ends unless another worker comes within 0.3 s'
check "its way out" grep -qx "rung resume alone.db --listen 127.0.0.1:0 --key run.key" err
rung list alone.db --format json
check_json "it has failed" "d[0]['status'] == 'failed'"

# ---- failures ----
spec broken '"max_iter": 3' '{"nan": true}'
rung run broken.json
expect "no usable model" 1 "" '^rung: broken: no model ended with a finite score$'
check "where to look" grep -qx 'rung logs broken.db' err
rung run broken.json --quiet
expect "again" 1
rung list broken.db --format json
check_json "a search that failed for good does not stand in the way" "[s['search'] for s in d] == ['broken', 'broken-2']"
spec unready '"max_iter": 3'
rung run unready.json --set 'trainer.command=["/bin/false"]'
expect "no trainer becomes ready" 1 "" '^rung: unready: .*trainer [01]'
check "it can be resumed" grep -qx 'rung resume unready.db' err
rung run unready.json
expect "and stands in the way" 2 "" '^rung: unready.db: holds an unfinished search called unready$'
check "way out" grep -qx 'rung resume unready.db --search unready' err

# ---- the other algorithms ----
for keys in '"algorithm": "random", "models": 4, "max_iter": 2' '"algorithm": "asha", "models": 9, "max_iter": 9' \
    '"algorithm": "successive_halving", "models": 9, "max_iter": 9' '"algorithm": "incremental", "models": 3, "max_iter": 3'; do
    spec other "$keys"
    rung run other.json --db one.db --quiet
    algorithm=$(cut -d'"' -f4 <<<"$keys")
    expect "$algorithm" 0
    states=(one.db.states/*/*)
    check "$algorithm: of states only the best one is left" test ${#states[@]} = 1
    rm -r one.db*
done

# ---- where it is started from ----
mkdir elsewhere
(cd elsewhere && "$RUNG" run ../first.json --db here.db --quiet) 2>err
check "files are relative to the spec, the database to the working directory" test -f elsewhere/here.db
finish
