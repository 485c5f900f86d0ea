#!/bin/bash
# Many searches in one daemon: they share its trainers, are stopped, resumed and killed with it, and each comes to the
# result of `rung run` alone; callers who are strange, slow or silent disturb nobody.
. "$(dirname "$0")/lib.bash"

RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}
echo "# RUNG_TEST_SEED=$RUNG_TEST_SEED"
. "$FAULT/daemon.bash" # daemons, workers, and an end for what was started

# Three searches, and what each comes to by itself.
HYPERBAND='"algorithm": "hyperband", "max_iter": 27, "seed"'
for seed in 1 2 3; do
    SEARCH="$HYPERBAND: $seed" spec "s$seed" "memory=0 sleep=0.005"
    rung 0 run "s$seed.json" --db "s$seed.db" --quiet --trainers 4 || echo "not ok a run by itself"
done

# ---- sharing ----

# a alone, then a and b, then the longer of both alone: jobs of one length, so that results count trainers.
half_each() {
    SEARCH='"algorithm": "random", "models": 500, "max_iter": 1' spec a "memory=0 sleep=0.02"
    SEARCH='"algorithm": "random", "models": 150, "max_iter": 1' spec b "memory=0 sleep=0.02"
    daemon share.db
    submit share.db -- a
    until_true results share.db a 100
    submit share.db -- b
    finished share.db a b
    kill $DAEMON
    daemon_ends 130
    "$RUNG" export share.db --search a >a.csv
    "$RUNG" export share.db --search b >b.csv
    "$PYTHON" -S -E - <<'P'
import csv
a, b = ([(row["finished_at"], int(row["trainer"])) for row in csv.DictReader(open(name))] for name in ("a.csv", "b.csv"))
alone = [t for at, t in a if at < b[0][0]]
assert len(set(alone)) == 4 and all(alone.count(t) > len(alone) / 8 for t in set(alone)), alone
both = [at for at, _ in a if b[10][0] <= at <= b[-10][0]]
share = len(both) / (len(both) + len(b) - 20)
print("of the results while both had work, a had %.2f" % share)
assert 0.35 < share < 0.65, share
assert a[-1][0] > b[-1][0]
after = [t for at, t in a if at > b[-1][0]][8:]
assert len(set(after)) == 4, after
P
}
check "two searches get about half of the trainers each, and all of them when alone" half_each

# Three that share one trainer, which one of them has at a time: all have results before the first has ended.
turns() {
    local name
    for name in t1 t2 t3; do
        SEARCH='"algorithm": "random", "models": 2000, "max_iter": 1' spec $name "memory=0 sleep=0.02"
    done
    daemon turns.db --trainers 1
    submit turns.db -- t1 t2 t3
    for name in t1 t2 t3; do
        until_true results turns.db $name 50
    done
    is turns.db t1 running
    kill $DAEMON
    daemon_ends 130
}
check "searches that are more than the trainers take turns" turns

# Four whose trainers never get ready, and two trainers: one is left to a search whose trainers do.
hanging() {
    local name
    SEARCH='"algorithm": "random", "models": 500, "max_iter": 1' spec works "memory=0 sleep=0.02"
    for name in h1 h2 h3 h4; do
        LIMITS='"start_timeout": 600' spec $name never_ready
    done
    daemon hanging.db --trainers 2
    submit hanging.db -- works
    until_true results hanging.db works 50
    submit hanging.db -- h1 h2 h3 h4
    finished hanging.db works
    is hanging.db h4 queued
    kill $DAEMON
    daemon_ends 130
}
check "searches whose trainers never get ready leave half of them to the others" hanging

# ---- stopped, resumed, killed ----

stop_and_resume() {
    daemon three.db
    submit three.db -- s1 s2 s3
    until_true results three.db s3 5
    rung 0 stop s3 --db three.db
    has out "s3 is interrupted" "rung submit --resume s3 --db three.db"
    is three.db s3 interrupted
    rung 0 stop s3 --db three.db # it stays so
    has out "s3 is interrupted"
    rung 0 submit --resume s3 --db three.db
    has out "s3 is queued"
}

all_go_on_after_kills() {
    local i
    for ((i = 0; i < 4; i++)); do
        sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
        kill -9 $DAEMON
        wait $DAEMON || true
        daemon three.db
    done
    finished three.db s1 s2 s3
    for i in 1 2 3; do as_alone three.db "s$i" "s$i"; done
    kill $DAEMON
    daemon_ends 130
}

three() {
    stop_and_resume
    all_go_on_after_kills
}
check "a third is stopped and resumed, the daemon is killed and started: all end as by themselves" three

begun() { # LOG COUNT: so many jobs, at least
    [ "$(grep -c ^JOB "$1")" -ge "$2" ]
}

at_once() {
    SEARCH='"algorithm": "random", "models": 40, "max_iter": 1' spec long "memory=0 sleep=60"
    daemon now.db
    submit now.db -- long
    until_true grep -q ^JOB long.log
    "$RUNG" stop long --db now.db >first.out 2>&1 &
    local first=$!
    sleep 0.3
    running $first # it waits for the jobs that run
    rung 0 stop long --db now.db
    has out "long is interrupted"
    wait $first
    has first.out "long is interrupted"
    rung 0 submit --resume long --db now.db
    until_true begun long.log 5
    rung 0 stop long --now --db now.db
    has out "long is interrupted"
    kill $DAEMON
    daemon_ends 130
}
check "who stops a search a second time, or says now, does not wait for its jobs" at_once

parked() {
    local got=0
    daemon parked.db
    submit parked.db -- s1 s2
    wait_for_it --resume s1 --db parked.db
    kill $DAEMON
    daemon_ends 130
    wait $WAITING || got=$?
    same 130 $got "exit status of who waited"
    has waiting.err "s1: interrupted: the daemon was ended" "rung serve --db parked.db"
    is parked.db s1 queued
    is parked.db s2 queued
    rung 2 run s1.json --db parked.db
    has err "holds an unfinished search called s1" "rung resume parked.db --search s1"
    rung 0 resume parked.db --search s2 # without a daemon
    daemon parked.db
    has parked.db.err "s1: goes on"
    if grep "s2: goes on" parked.db.err; then return 1; fi
    finished parked.db s1 s2
    for i in 1 2; do as_alone parked.db "s$i" "s$i"; done
    kill $DAEMON
    daemon_ends 130
    test ! -e parked.db.sock
}
check "SIGTERM: what runs ends, the rest is kept and goes on with the next daemon" parked

left_as_it_is() {
    cp "$FAULT/trainers/trainer.py" gone.py
    SEARCH="$HYPERBAND: 4" spec gone "memory=0 sleep=0.02"
    sed -i "s|\"command\": .*\]|\"command\": [\"$PWD/gone.py\", \"sleep=0.02\"]|; s|\"count\"|\"env\": {}, \"count\"|" gone.json
    sed -i "1i #!$PYTHON -SE" gone.py
    chmod +x gone.py
    daemon left.db
    submit left.db -- gone s1
    until_true results left.db gone 5
    kill -9 $DAEMON
    wait $DAEMON || true
    mv gone.py away.py
    daemon left.db
    has left.db.err "gone: is left as it is: trainer.command: "
    finished left.db s1
    as_alone left.db s1 s1
    is left.db gone interrupted
    rung 2 submit --resume gone --db left.db
    has err "trainer.command"
    mv away.py gone.py
    rung 0 submit --resume gone --db left.db --wait --quiet
    is left.db gone finished
    kill $DAEMON
    daemon_ends 130
}
check "a search that cannot be resumed keeps no daemon from starting" left_as_it_is

# ---- who waits ----

who_waits() {
    local got=0
    daemon wait.db
    submit wait.db -- s2
    wait_for_it s1.json --db wait.db
    kill -INT $WAITING
    wait $WAITING || got=$?
    same 130 $got "exit status of who leaves"
    has waiting.err "s1: goes on" "rung submit --wait --resume s1 --db wait.db" "rung stop s1 --db wait.db"
    rung 0 submit --wait --resume s1 --db wait.db
    has out "rank" "rung top wait.db --search s1"
    grep -qE '^bracket [0-9] rung [0-9]: ' err
    as_alone wait.db s1 s1
    wait_for_it s3.json --db wait.db
    got=0
    kill -9 $DAEMON
    wait $WAITING || got=$?
    same 1 $got "exit status of whose daemon is killed"
    has waiting.err "s3: the daemon is gone, and goes on with it when it is started again" "rung serve --db wait.db"
    daemon wait.db
    rung 0 submit --wait --resume s3 --db wait.db --quiet
    same "" "$(cat out err)" "what is printed"
    as_alone wait.db s3 s3
    kill $DAEMON
    daemon_ends 130
}
check "who waits may leave and come again, and is told when the daemon is gone" who_waits

one_that_does_not_read() {
    local got=0
    daemon slow.db
    wait_for_it s1.json --db slow.db
    kill -STOP $WAITING
    rung 0 submit --wait --resume s1 --db slow.db # another one waits beside it
    has out "rung top slow.db --search s1"
    submit slow.db -- s2
    finished slow.db s1 s2
    kill -CONT $WAITING
    wait $WAITING || got=$?
    same 0 $got "exit status of who slept"
    has waiting.out "rung top slow.db --search s1"
    kill $DAEMON
    daemon_ends 130
}
check "a caller that sleeps holds nobody up, and hears the end when it wakes" one_that_does_not_read

# ---- strangers ----

strangers() {
    daemon door.db
    submit door.db -- s1
    "$PYTHON" -S -E - door.db.sock <<'P' &
import os, socket, struct, sys, time

def connect():
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    return one

def frame(text):
    return struct.pack(">IB", len(text) + 1, ord("J")) + text

silent = [connect() for _ in range(100)]
for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 100, os.urandom(1000), frame(b"not JSON"), frame(b"[]"), frame(b"{}"),
                frame(b'{"type":"command"}'), frame(b'{"type":"command","protocol":1}'),
                frame(b'{"type":"command","protocol":1,"command":"rm"}'),
                frame(b'{"type":"command","protocol":1,"command":"submit","bytes":1e15}'),
                frame(b'{"type":"command","protocol":1,"command":"submit","bytes":9,"folder":"/"}') + frame(b'{"type":"spec","text":"{]}"}') * 3,
                frame(b'{"type":"command","protocol":1,"command":"submit","bytes":9}') + frame(b'{"type":"spec","text":"0123456789"}'),
                frame(b'{"type":"command","protocol":1,"command":"stop","search":7}'),
                frame(b'{"type":"command","protocol":1,"command":"top","options":{"search":"--help","n":"--format=csv"},"model":"; id"}'),
                frame(b'{"type":"command","protocol":1,"command":"show","options":[],"model":"--help"}'),
                frame(b'{"type":"command","protocol":1,"command":"resume","search":"s1","set":[1,{}]}')):
    one = connect()
    one.settimeout(20)
    try:
        one.sendall(garbage)
        one.shutdown(socket.SHUT_WR)
        while one.recv(65536):
            pass
    except (BrokenPipeError, ConnectionResetError):
        pass # refused before all was sent
deaf = [connect() for _ in range(20)] # who ask, and do not read
for one in deaf:
    one.sendall(frame(b'{"type":"command","protocol":1,"command":"show","options":{"format":"json"}}'))
open("strangers.done", "w").close()
time.sleep(1000)
P
    local stranger=$!
    echo $stranger >>others
    until_true test -e strangers.done
    rung 0 list --db door.db
    finished door.db s1
    as_alone door.db s1 s1
    kill $stranger
    has door.db.err "a connection from this machine was refused"
    rung 0 top --db door.db --search s1 --format csv
    cp out asked.csv
    rung 0 top door.db --search s1 --format csv
    cmp out asked.csv
    kill $DAEMON
    daemon_ends 130
}
check "garbage, silence and deafness at the socket disturb nobody" strangers

two_daemons() {
    daemon two.db
    rung 2 serve two.db --trainers 1
    has err "two.db: is being written by another process ($DAEMON)"
    rung 2 run s1.json --db two.db
    has err "is being written by another process ($DAEMON)" "rung submit s1.json --db two.db"
    submit two.db -- s1
    rung 2 resume two.db
    has err "rung submit --resume s1 --db two.db"
    finished two.db s1
    as_alone two.db s1 s1
    kill -9 $DAEMON
    wait $DAEMON || true
    test -S two.db.sock
    rung 2 submit s2.json --db two.db
    has err "no daemon serves two.db: two.db.sock: Connection refused" "rung serve --db two.db"
    daemon two.db # in the place of the dead one's socket
    kill $DAEMON
    daemon_ends 130
    rung 2 submit s2.json --db two.db
    has err "no daemon serves two.db: two.db.sock: No such file or directory"
}
check "one daemon has a database, and who comes beside is told of it" two_daemons

other_users() {
    chmod 755 "$DIR"
    daemon user.db
    chmod 666 user.db.sock
    if setpriv --reuid=65534 --clear-groups "$PYTHON" -S -E - <<'P'
import socket, sys
one = socket.socket(socket.AF_UNIX)
one.connect("user.db.sock")
one.settimeout(20)
sys.exit(0 if one.recv(1) == b"" else 1)
P
    then :; else echo "another user got in"; return 1; fi
    until_true grep -q "a connection of another user was refused" user.db.err
    rung 0 list --db user.db
    kill $DAEMON
    daemon_ends 130
    mkdir theirs
    chown 65534 theirs
    setpriv --reuid=65534 --clear-groups "$PYTHON" -S -E - <<'P' &
import socket, time
one = socket.socket(socket.AF_UNIX)
one.bind("theirs/x.db.sock")
one.listen()
time.sleep(1000)
P
    local other=$!
    echo $other >>others
    until_true test -S theirs/x.db.sock
    rung 2 list --db theirs/x.db
    has err "another user listens there"
    kill $other
}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    check "other users get neither in nor believed" other_users
else
    skip "other users get neither in nor believed" "only root can be another user"
fi

# ---- from elsewhere ----

from_elsewhere() {
    local port to
    port=$(free_ports 1)
    daemon far.db --listen "127.0.0.1:$port" --key rung.key --heartbeat 0.3
    to=(--to "127.0.0.1:$port" --key rung.key)
    rung 0 submit s1.json "${to[@]}" --wait
    has out "rung top --to 127.0.0.1:$port --key rung.key --search s1" "rung show --to"
    as_alone far.db s1 s1
    rung 0 list "${to[@]}" --format csv
    has out "s1,finished"
    rung 0 show "${to[@]}" 3 --format json
    cp out asked.json
    rung 0 show far.db 3 --format json
    cmp out asked.json
    rung 2 top "${to[@]}" --search none
    has err "holds no search 'none'"
    "$RUNG" key other.key >/dev/null
    rung 2 list --to "127.0.0.1:$port" --key other.key
    has err "127.0.0.1:$port: it does not have the same key"
    rung 2 list --to "127.0.0.1:$(free_ports 1)" --key rung.key
    has err "Connection refused"
    until_true grep -q "was refused: it does not have the same key" far.db.err
    kill $DAEMON
    daemon_ends 130
}
check "commands from elsewhere need the key, and do the same" from_elsewhere

workers_for_all() {
    local port
    port=$(free_ports 1)
    daemon far2.db --trainers 0 --listen "127.0.0.1:$port" --key rung.key --heartbeat 0.3
    submit far2.db -- s1 s2 s3
    worker "$port" --trainers 2
    worker "$port"
    sleep 0.7
    kill -9 "${WORKERS[-1]}"
    worker "$port"
    finished far2.db s1 s2 s3
    for i in 1 2 3; do as_alone far2.db "s$i" "s$i"; done
    kill $DAEMON
    daemon_ends 130
}
check "workers train for all searches, whoever of them dies" workers_for_all

# As `systemctl restart` does: who would start them anew?
workers_stay() {
    local port status=0
    port=$(free_ports 1)
    daemon far3.db --trainers 0 --listen "127.0.0.1:$port" --key rung.key --heartbeat 0.3
    worker "$port" --trainers 2
    submit far3.db -- s1
    until_true results far3.db s1 1
    kill $DAEMON
    daemon_ends 130
    running "${WORKERS[-1]}"
    daemon far3.db --trainers 0 --listen "127.0.0.1:$port" --key rung.key --heartbeat 0.3
    finished far3.db s1
    as_alone far3.db s1 s1
    kill $DAEMON
    daemon_ends 130
    kill "${WORKERS[-1]}"
    wait "${WORKERS[-1]}" || status=$?
    same 130 $status "the worker's exit status"
}
check "workers wait for the next daemon" workers_stay

finish
