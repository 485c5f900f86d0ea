#!/bin/bash
# rung submit: what `rung run` says of specs, names, limits and endings, said by way of a daemon.
. "$(dirname "$0")/lib.bash"
. "$HERE/daemon.bash"

rung submit
expect "nothing" 2 "" '^rung: submit: an operand is missing: SPEC$'
spec s '"max_iter": 9'
rung submit s.json --resume s
expect "a spec, and one that is there" 2 "" '^rung: submit: a spec is named, and --resume$'
rung submit s.json
expect "to nobody" 2 "" '^rung: no daemon serves rung.db: rung.db.sock: No such file or directory$'
check "the way to somebody" holds err '^rung serve --db rung.db$'
rung submit s.json --key secret
expect "a key for nothing" 2 "" '^rung: --key: is for --to ADDRESS$'

PATH=$WORK:$PATH serve --trainers 2
rung submit none.json
expect "no spec" 2 "" '^rung: none.json: No such file or directory$'
spec wrong '"max_itre": 9'
rung submit wrong.json
expect "a wrong spec" 2 "" '^rung: wrong.json: search.max_itre: unknown key \(did you mean "max_iter"\?\)$'
rung submit s.json --set trainer.command='["./none"]'
expect "no program" 2 "" '^rung: s.json: trainer.command: '
echo '{"trainer": {"command": ["./trainer.py"]}, "configurations": [{"a": 1}], "search": {"max_iter": 9}}' >few.json
rung submit few.json
cp err submitted
rung run few.json --db other.db
expect "too few configurations" 2 "" '^rung: few.json: configurations: '
check "what cannot be is refused as by run" same err submitted
check "nothing was recorded" test "$("$RUNG" list rung.db --format csv | wc -l)" = 1

# ---- as run ----

rung run s.json --db alone.db --trainers 2
cp out alone.out
rung submit s.json --wait
expect "one that is waited for" 0 '^ +1 +.*completed' '^bracket 2 rung 0: 9 models at 1 call, 3 kept'
check "its ending is that of run" same <(sed 's/alone.db/rung.db --search s/; s/  *#/  #/' alone.out) <(sed 's/  *#/  #/' out)
"$RUNG" top alone.db --format csv | cut -d, -f2- >alone.top
"$RUNG" top rung.db --format csv | cut -d, -f2- >daemon.top
check "its leaderboard is that of run" python3 - <<'P'
import csv
rows = [[{k: v for k, v in row.items() if k != "fit_seconds"} for row in csv.DictReader(open(name))] for name in ("alone.top", "daemon.top")]
assert rows[0] and rows[0] == rows[1], rows
P
rung submit s.json
expect "one of the same name" 0 '^s-2 is queued$'
check "what to do next" holds out '^rung submit --wait --resume s-2 --db rung.db  # '
rung submit --wait --resume s-2 --quiet
expect "it is waited for, in silence" 0
check "without a word" test ! -s out -a ! -s err
rung submit s.json --quiet --set name=still
expect "without waiting, in silence" 0
check "not a word either" test ! -s out -a ! -s err
rung submit s.json --wait --set name=seven --set search.seed=7 --set search.max_iter=3
expect "with --set" 0 'rung top rung.db --search seven'
check "which is recorded" holds <("$RUNG" export rung.db --what searches --search seven --format json) '"seed":7'
rung submit s.json --wait --set name=note --set 'configurations=[{"a": 1}, {"a": 2}, {"a": 3}]' --set 'search={"algorithm": "random", "models": 2, "max_iter": 1}'
expect "the spec's notes" 2 "" 'parameters'

spec bad '"max_iter": 3' '{"nan": true}'
rung submit bad.json --wait
expect "no usable model" 1 "" '^rung: bad: no model ended with a finite score$'
check "the way out" holds err '^rung logs rung.db --search bad$'
rung submit --resume bad
expect "which is no better later" 1 "" '^rung: bad: no model ended with a finite score$'
rung submit s.json --wait --set name=limited --set limits.calls=3
expect "stopped by a limit" 3 "" '^rung: limited: stopped by a limit: '
check "the way on" holds err '^rung submit --resume limited --set limits.calls=null --db rung.db$'
rung submit --resume limited
expect "the limit is reached already" 3 "" '^rung: limited: limits.calls is reached: [0-9]+ calls, the limit is 3$'
check "the --set that lifts it" holds err '^rung submit --resume limited --set limits.calls=null --db rung.db$'
rung submit s.json --set name=limited
expect "a name that is unfinished" 2 "" '^rung: rung.db: holds an unfinished search called limited$'
check "the way to it" holds err '^rung submit --resume limited --db rung.db$'
rung submit --resume limited --set search.seed=8
expect "what cannot be changed" 2 "" '^rung: --set search.seed: cannot be changed once a search has begun$'
rung submit --resume limited --set limits.calls=null --wait
expect "without the limit" 0 '^ +1 +'
rung submit --resume limited --set limits.calls=2
expect "finished" 0 '^ +1 +' '^rung: note: the search is finished: --set changes nothing$'
rung submit --resume none
expect "none of that name" 2 "" "^rung: rung.db: holds no search 'none'"

# ---- on_end ----

rung submit s.json --wait --quiet --set name=ended --set 'on_end=["sh", "-c", "echo $RUNG_SEARCH $RUNG_STATUS $RUNG_BEST_SCORE $RUNG_DB $(pwd) >told.tmp; mv told.tmp told; exit 7"]'
expect "one with on_end" 0
check "it was run" until_true test -e told
best=$("$RUNG" top rung.db --search ended -n 1 --format json | python3 -c 'import json, sys; print(repr(json.load(sys.stdin)[0]["score"]))')
check "with what it is told" same told <(echo "ended finished $best $WORK/rung.db $WORK")
check "what is wrong with it is said" until_true grep -qx 'ended: on_end: sh: exit status 7' serve.err
slow='on_end=["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done; echo done >slow.tmp; mv slow.tmp slow"]'
rung submit s.json --wait --quiet --set name=slow --set "$slow"
rung submit s.json --wait --quiet --set name=meanwhile
expect "while an on_end runs" 0
check "it does run" test ! -e slow
touch go
check "and ends" until_true test -e slow

# ---- from a machine where paths are others ----

cat >foreign.py <<'P'
"""Submits a search as from elsewhere: foreign.py NAME PROGRAM. Prints what the daemon says, a message a line."""
import json, socket, struct, sys

def frame(value):
    text = json.dumps(value).encode()
    return struct.pack(">IB", len(text) + 1, ord("J")) + text

spec = json.dumps({"name": sys.argv[1], "trainer": {"command": [sys.argv[2]]}, "parameters": {"a": {"uniform": [0, 1]}},
                   "search": {"max_iter": 3}})
daemon = socket.socket(socket.AF_UNIX)
daemon.connect("rung.db.sock")
daemon.sendall(frame({"type": "command", "protocol": 1, "command": "submit", "bytes": len(spec), "folder": "/no/folder",
                      "program": sys.argv[2] + " sha256:0", "wait": True, "quiet": True}) + frame({"type": "spec", "text": spec}))
stream = daemon.makefile("rb")
while True:
    header = stream.read(5)
    if not header:
        break
    length, kind = struct.unpack(">IB", header)
    body = stream.read(length - 1)
    if kind == ord("J"):
        print(body.decode())
P
python3 foreign.py foreign /no/folder/trainer.py >out 2>err
check "no folder: the database's" holds out '/no/folder is no folder on the daemon.s machine: its trainers work in '"$WORK"
check "no program: that of the same name" holds out "/no/folder/trainer.py is not on the daemon's machine: $WORK/trainer.py is taken"
check "with which it trains" holds out '"type":"end","status":0'
check "and which is recorded" holds <("$RUNG" export rung.db --what searches --search foreign --format json) "\"program\":\"$WORK/trainer.py sha256:"
python3 foreign.py nowhere /no/folder/no-trainer >out 2>err
check "no program anywhere" holds out '"status":2,"text":"trainer.command: /no/folder/no-trainer: No such file or directory"'
check "is nothing to be recorded" test -z "$("$RUNG" list rung.db --format csv | grep ^nowhere)"

# ---- large ones ----

python3 - <<'P'
with open("many.jsonl", "w") as file:
    for i in range(30000):
        file.write('{"a": %r, "text": "%s\\u00e9\u00e9\\n"}\n' % (i / 30000, "x" * 100))
P
cat >many.json <<J
{"trainer": {"command": ["./trainer.py"]}, "configurations": "many.jsonl",
 "search": {"algorithm": "random", "models": 3, "max_iter": 1}}
J
rung submit many.json --wait
expect "a spec of 4 MB" 0 '^ +1 +'
rung run many.json --db many.db --quiet
check "is stored as by run" same <(sqlite3 -readonly many.db 'select spec from searches') \
    <(sqlite3 -readonly rung.db "select spec from searches where search = 'many'")
end_daemon

# ---- a terminal ----

. "$HERE/terminal.bash"
if ! terminals; then
    echo "skip the display: no pseudo-terminal can be had here"
    finish
fi
spec held '"max_iter": 9' '{"hold": "hold"}'
touch hold
serve --trainers 2
screen interrupt submit held.json --wait
expect "Ctrl-C" 130 'rung: held: goes on, nobody waits for it now'
check "how to wait again, and how to stop it" bash -c 'grep -aq "^rung submit --wait --resume held --db rung.db  # " out && grep -aq "^rung stop held --db rung.db  # " out'
check "the cursor is back" test "$(grep -ao '\[?25[lh]' out | tail -n 1)" = '[?25h'
screen resize submit --wait --resume held
expect "waiting again, on a terminal that shrinks" 0 '2 of 2 trainers busy'
check "a bar per bracket and rung" grep -aq 'bracket 2  .*\[.*\[.*\[.*rung 0: ' out
check "calls done of planned" grep -aqE 'calls [0-9]+ of 69' out
check "coloured" grep -aq "$(printf '\033\[32m')" out
check "no line over the width after that" within_the_terminal
check "the leaderboard comes below" grep -aqE 'rank +model +score' out
NO_COLOR=1 screen none submit s.json --wait --set name=grey
expect "NO_COLOR" 0
check "not coloured" bash -c '! grep -aq "$(printf "\033\\[3[0-9]m")" out'
end_daemon
finish
