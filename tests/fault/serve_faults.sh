#!/bin/bash
# What is taken away from a daemon, and what it tells then: its socket, its database, its states, room on its disk; and
# that the commands it tells work when they are pasted.
. "$(dirname "$0")/lib.bash"
. "$FAULT/daemon.bash"

HYPERBAND='"algorithm": "hyperband", "max_iter": 27, "seed"'
SEARCH="$HYPERBAND: 1" spec s1 "memory=0 sleep=0.03"
rung 0 run s1.json --db s1.db --quiet --trainers 4 || echo "not ok a run by itself"
PATH=$(cd "$(dirname "$RUNG")" && pwd):$PATH

# FILE START: the one line there that begins so is a command, and is run as it is; its output goes to out and err
paste() {
    local line
    line=$(grep -- "^$2" "$1") || { echo "no command \"$2\" in $1:"; cat "$1"; return 1; }
    same 1 "$(wc -l <<<"$line")" "lines that begin with $2"
    bash -c "$line" >out 2>err </dev/null
}

# ---- files that are taken away ----

count_is() { # COUNT FILE TEXT
    same "$1" "$(grep -c -- "$3" "$2")" "lines with $3"
}

socket_removed() {
    daemon sock.db
    rm sock.db.sock
    until_true "$RUNG" list --db sock.db
    count_is 1 sock.db.err "sock.db.sock was removed, and is made again"
    submit sock.db -- s1
    mv sock.db.sock elsewhere.sock
    until_true "$RUNG" list --db sock.db
    finished sock.db s1
    as_alone sock.db s1 s1
    kill $DAEMON
    daemon_ends 130
    test ! -e sock.db.sock
}
check "a socket that was removed is made again" socket_removed

socket_taken() {
    daemon taken.db
    rm taken.db.sock
    "$PYTHON" -S -E - <<'P' &
import socket, time
one = socket.socket(socket.AF_UNIX)
one.bind("taken.db.sock")
one.listen()
time.sleep(1000)
P
    echo $! >>others
    until_true grep -q "taken.db.sock: another process listens there" taken.db.err
    sleep 2.5 # two more looks
    count_is 1 taken.db.err "another process listens there"
    kill $DAEMON
    daemon_ends 130
    test -S taken.db.sock
}
check "a socket that another process has put there is left alone" socket_taken

nobody_trains() { # LOG: every trainer that has begun is gone
    local pid
    for pid in $(sed -n 's/^START \([0-9]*\) .*/\1/p' "$1"); do
        running "$pid" && return 1
    done
    return 0
}

database_removed() {
    local got=0
    : >s1.log
    daemon gone.db
    wait_for_it s1.json --db gone.db
    until_true results gone.db s1 3
    mv gone.db away.db
    daemon_ends 1
    wait $WAITING || got=$?
    same 1 $got "exit status of who waited"
    has gone.db.err "rung: gone.db: was removed or moved away while it was open" "put it back" "then: rung serve --db gone.db"
    has waiting.err "s1: the daemon had to end: gone.db: was removed or moved away" "then: rung serve --db gone.db"
    until_true nobody_trains s1.log
    test ! -e gone.db -a ! -e gone.db.sock -a ! -e gone.db.lock
    mv away.db gone.db
    same ok "$(sqlite3 gone.db 'pragma integrity_check')" integrity
    daemon gone.db
    finished gone.db s1
    as_alone gone.db s1 s1
    kill $DAEMON
    daemon_ends 130
}
check "without its database a daemon ends, and who waits is told; put back, all goes on" database_removed

database_replaced() {
    daemon other.db
    submit other.db -- s1
    until_true results other.db s1 3
    mv other.db away2.db
    cp s1.db other.db
    daemon_ends 1
    has other.db.err "rung: other.db: another file has taken its place while it was open"
    cmp s1.db other.db
    mv away2.db other.db
    daemon other.db
    finished other.db s1
    as_alone other.db s1 s1
    kill $DAEMON
    daemon_ends 130
}
check "a database that is another file now is not written" database_replaced

database_of_a_run() {
    local pid got=0
    SEARCH="$HYPERBAND: 1" spec alone "memory=0 sleep=0.02"
    "$RUNG" run alone.json --db alone.db --trainers 4 --quiet >run.out 2>run.err </dev/null &
    pid=$!
    echo $pid >>started
    until_true results alone.db alone 3
    mv alone.db away3.db
    wait $pid || got=$?
    same 1 $got "exit status"
    has run.err "rung: alone.db: was removed or moved away while it was open" "put it back" "then: rung resume alone.db"
    mv away3.db alone.db
    rung 0 resume alone.db --quiet --trainers 4
    SEARCH="$HYPERBAND: 1" spec twin "memory=0"
    rung 0 run twin.json --db twin.db --quiet --trainers 4
    same_result alone twin
}
check "a run whose database is taken away ends, and goes on when it is back" database_of_a_run

# What sqlite3 writes then is behind an index of its own, of which the daemon knows nothing.
index_removed() {
    daemon index.db
    submit index.db -- s1
    until_true results index.db s1 3
    rm index.db-shm
    sqlite3 -cmd '.timeout 5000' index.db "create table mine as select 1 as one" || true
    daemon_ends 1
    has index.db.err "rung: index.db-shm: was removed, moved away or replaced while it was open" "rung serve --db index.db"
    same ok "$(sqlite3 index.db 'pragma integrity_check')" integrity
    daemon index.db
    finished index.db s1
    as_alone index.db s1 s1
    kill $DAEMON
    daemon_ends 130
}
check "without the index of its log a daemon ends before the database is damaged" index_removed

database_emptied() {
    daemon empty.db
    submit empty.db -- s1
    until_true results empty.db s1 3
    : >empty.db
    daemon_ends 1
    has empty.db.err "rung: empty.db: was emptied while it was open" "put a copy of it back, then: rung serve --db empty.db"
}
check "a database that is emptied in place ends its daemon" database_emptied

# ---- states ----

without_states() { # DB SEARCH: no model has paid for it
    same 0 "$(sqlite3 -readonly "$1" "select count(*) from models where search = '$2' and status = 'failed'")" "failed models"
    same 0 "$(sqlite3 -readonly "$1" "select count(*) from failures where search = '$2' and kind <> 'lost'")" "attempts that were charged"
}

states_removed() {
    local i
    LIMITS='"retries": 0' SEARCH="$HYPERBAND: 1" spec robbed "memory=0 sleep=0.01"
    rung 0 run robbed.json --db robbed.db --quiet --trainers 4
    daemon states.db
    submit states.db -- robbed
    for i in 5 12 20; do
        until_true results states.db robbed $i
        rm -rf states.db.states || true # what is written meanwhile may keep it
    done
    finished states.db robbed
    grep -q "states.db.states/robbed was removed, and is made again" states.db.err ||
        has states.db.err "is missing or damaged: it is trained again"
    without_states states.db robbed
    as_alone states.db robbed robbed
    kill $DAEMON
    daemon_ends 130
}
check "states that are removed under a daemon are made again, and nobody is charged" states_removed

states_of_a_run() {
    local pid got=0
    LIMITS='"retries": 0' SEARCH="$HYPERBAND: 1" spec bare "memory=0 sleep=0.01"
    "$RUNG" run bare.json --db bare.db --trainers 4 >run.out 2>run.err </dev/null &
    pid=$!
    echo $pid >>started
    until_true results bare.db bare 10
    rm -rf bare.db.states || true
    wait $pid || got=$?
    same 0 $got "exit status"
    grep -q "bare.db.states/bare was removed, and is made again" run.err || has run.err "is missing or damaged: it is trained again"
    without_states bare.db bare
    sed 's/"bare"/"clothed"/' bare.json >clothed.json
    rung 0 run clothed.json --db clothed.db --trainers 4 --quiet
    same_result bare clothed
}
check "states that are removed under a run are made again, and nobody is charged" states_of_a_run

# Where the folder was somebody has put a file: that is one error, not one for each model.
states_blocked() {
    local i
    : >s1.log
    daemon block.db
    submit block.db -- s1
    until_true results block.db s1 3
    for ((i = 0; i < 100; i++)); do # between the two it may be made again
        mv block.db.states "away.$i"
        if (: >block.db.states) 2>/dev/null; then break; fi
    done
    daemon_ends 1
    has block.db.err "rung: " "block.db.states: cannot be made: File exists" "rung serve --db block.db"
    without_states block.db s1
    rm block.db.states
    daemon block.db
    finished block.db s1
    as_alone block.db s1 s1
    kill $DAEMON
    daemon_ends 130
}
check "a states folder that cannot be made again is one error" states_blocked

# ---- a disk that fills ----

disk_full() {
    local got=0 rows
    mount -t tmpfs -o size=1m tmpfs small
    SEARCH='"algorithm": "hyperband", "max_iter": 9' spec full "stateless metrics=60000 sleep=0.01"
    daemon "small/full.db"
    wait_for_it full.json --db small/full.db
    daemon_ends 1
    wait $WAITING || got=$?
    same 1 $got "exit status of who waited"
    grep -Eiq '^rung: .*(full|space)' small/full.db.err
    has small/full.db.err "free some space, then: rung serve --db small/full.db"
    grep -Eiq '^rung: full: the daemon had to end: .*(full|space)' waiting.err
    has waiting.err "free some space, then: rung serve --db small/full.db"
    rows=$(sqlite3 small/full.db 'select count(*) from history')
    test "$rows" -ge 3
    sqlite3 small/full.db 'select * from history order by seq' >rows
    mount -o remount,size=100m small
    daemon "small/full.db"
    finished small/full.db full
    sqlite3 small/full.db 'select * from history order by seq' | head -n "$rows" | cmp - rows
    SEARCH='"algorithm": "hyperband", "max_iter": 9' run roomy "stateless metrics=60000" 0
    ln -s small/full.db full.db
    same_result full roomy
    kill $DAEMON
    daemon_ends 130
}
mkdir small
if mount -t tmpfs -o size=100k tmpfs small 2>/dev/null; then
    umount small
    trap 'end_all; kill -9 $(cat "$DIR/others") 2>/dev/null; cd /; umount "$DIR/small" 2>/dev/null; rm -rf "$DIR"' EXIT
    check "a full disk: the daemon and who waits say what to do, and nothing recorded is lost" disk_full
else
    skip "a full disk: the daemon and who waits say what to do, and nothing recorded is lost" "no file system can be mounted here"
fi

# ---- commands that are told ----

# Of a database with blanks in its path, and a search whose name looks like an option.
pasted() {
    local db="a folder/my db.db" got=0
    mkdir "a folder"
    SEARCH='"algorithm": "random", "models": 30, "max_iter": 2' LIMITS='"calls": 6' spec dash "memory=0 sleep=0.01"
    sed -i 's/"name": "dash"/"name": "-x"/' dash.json
    daemon "$db"
    rung 3 submit dash.json --db "$db" --wait
    has err "rung: -x: stopped by a limit: limits.calls: " # with those that ran, it may be more than 6
    if grep "rung resume" err out; then return 1; fi
    cp err told
    rung 3 submit --resume=-x --db "$db"
    cmp <(tail -1 err) <(tail -1 told)
    rung 0 stop --db "$db" -- -x
    cmp <(sed -n 's/  # to go on$//p' out) <(tail -1 told)
    rung 2 submit dash.json --db "$db"
    has err "holds an unfinished search called -x" "rung submit --resume -x --db 'a folder/my db.db'"
    paste told "rung submit --resume -x --set limits.calls=null"
    cp out told
    paste told "rung top"
    paste told "rung submit --wait"
    cp out told
    paste told "rung best"
    paste told "rung export"
    SEARCH='"algorithm": "random", "models": 40, "max_iter": 1' spec long "memory=0 sleep=60"
    sed -i 's/"name": "long"/"name": "-long"/' long.json
    wait_for_it long.json --db "$db"
    kill -INT $WAITING
    wait $WAITING || got=$?
    same 130 $got "exit status of who leaves"
    rung 2 submit --resume -long --db "$db" --set limits.calls=9
    has err "rung: -long: runs, and cannot be changed meanwhile"
    cp err told
    paste waiting.err "rung stop" &
    local stopping=$!
    sleep 0.3
    paste told "rung stop" # the second one does not wait
    wait $stopping
    has out "-long is interrupted"
    kill $DAEMON
    daemon_ends 130
    rung 2 list --db "$db"
    has err "rung serve --db 'a folder/my db.db'"
}
check "commands that are told work when they are pasted" pasted

pasted_from_elsewhere() {
    local port
    port=$(free_ports 1)
    SEARCH='"algorithm": "random", "models": 30, "max_iter": 2' LIMITS='"calls": 6' spec far "memory=0 sleep=0.01"
    mkdir keys
    "$RUNG" key "keys/my key" >/dev/null
    daemon far.db --listen "127.0.0.1:$port" --key "keys/my key"
    rung 3 submit far.json --to "127.0.0.1:$port" --key "keys/my key" --wait
    cp err told
    paste told "rung submit --resume far --set limits.calls=null --to 127.0.0.1:$port --key 'keys/my key'"
    cp out told
    paste told "rung submit --wait"
    cp out told
    paste told "rung top --to"
    paste told "rung show --to"
    kill $DAEMON
    daemon_ends 130
}
check "also by who came over the network" pasted_from_elsewhere

# A limit is reached when the daemon comes.
pasted_at_start() {
    local db="a folder/my limits.db"
    SEARCH='"algorithm": "random", "models": 30, "max_iter": 2' spec limited "memory=0 sleep=0.01"
    sed -i 's/"name": "limited"/"name": "-limited"/' limited.json
    rung 3 run limited.json --db "$db" --set limits.calls=6 --quiet
    sqlite3 "$db" "update search set status = 'running'" # as after a kill
    daemon "$db"
    has "$db.err" "-limited: is left as it is: -limited: limits.calls is reached"
    paste "$db.err" "rung submit --resume"
    finished "$db" -limited
    kill $DAEMON
    daemon_ends 130
}
check "what a daemon tells of a search that cannot go on works when it is pasted" pasted_at_start

pasted_runs() {
    mkdir runs
    cd runs
    SEARCH='"algorithm": "random", "models": 6, "max_iter": 2' LIMITS='"calls": 3' spec dash "memory=0"
    sed -i 's/"name": "dash"/"name": "-x"/' dash.json
    rung 3 run dash.json --quiet # its database is -x.db
    cp err told
    paste told "rung resume"
    cp out told
    paste told "rung top"
    paste told "rung best"
    daemon ./-x.db
    rung 2 delete -- ./-x.db -x
    has err "kill -INT $DAEMON ends the daemon" "then: rung delete -- ./-x.db -x"
    kill $DAEMON
    daemon_ends 130
    sed -n 's/.*then: //p' err >told
    paste told "rung delete"
    has out "-x is deleted"
}
check "what a run tells works when it is pasted, whatever it is called" pasted_runs

in_use() {
    daemon use.db
    submit use.db -- s1
    finished use.db s1
    rung 2 retry use.db 3 --search s1
    has err "use.db: is being written by another process ($DAEMON)" \
        "kill -INT $DAEMON ends the daemon, whose searches go on with the next rung serve; then: rung retry --search s1 use.db 3"
    rung 2 delete use.db s1
    has err "then: rung delete use.db s1"
    kill $DAEMON
    daemon_ends 130
    rung 0 delete use.db s1
}
check "who needs the database for himself is told how to have it" in_use

# ---- searches that are too large ----

too_large() {
    SEARCH='"algorithm": "random", "models": 3000000, "max_iter": 1' spec many ""
    SEARCH='"algorithm": "hyperband", "max_iter": 1000000' spec deep ""
    SEARCH='"algorithm": "random", "models": 100000, "max_iter": 1' spec wide ""
    sed -i "s|\"kind\": |\"text\": \"$(head -c 1000 /dev/zero | tr '\0' x)\", \"kind\": |" wide.json
    daemon large.db
    rung 2 submit many.json --db large.db
    has err "rung: many: has 3000000 models; a daemon takes 100000 at most" "rung run many.json"
    rung 2 submit deep.json --db large.db
    has err "rung: deep: has 834008 models; a daemon takes 100000 at most"
    rung 2 submit many.json --db large.db --set search.models=2147483647 # far more than there is memory for
    has err "rung: many: has 2147483647 models; a daemon takes 100000 at most" "rung run many.json"
    rung 2 submit wide.json --db large.db
    has err "rung: wide: its 100000 models have about " "bytes of parameters; a daemon takes 33554432 at most"
    same 0 "$(sqlite3 -readonly large.db 'select count(*) from searches')" searches
    SEARCH='"algorithm": "random", "models": 100000, "max_iter": 1' spec most ""
    rung 0 submit most.json --db large.db
    kill $DAEMON
    daemon_ends 130
    # by itself it may be larger, and is not taken up afterwards
    rung 3 run many.json --db large.db --set search.models=100001 --set limits.calls=1 --quiet
    daemon large.db
    rung 2 submit --resume many --db large.db --set limits.calls=null
    has err "rung: many: has 100001 models; a daemon takes 100000 at most" "end the daemon, then: rung resume large.db --search many"
    kill $DAEMON
    daemon_ends 130
}
check "searches that would hold up the others are refused" too_large

# Who speaks to the socket directly is held to the same.
too_large_by_hand() {
    daemon hand.db
    "$PYTHON" -S -E - hand.db.sock many.json <<'P'
import json, socket, struct, sys
spec = open(sys.argv[2]).read().replace("3000000", "2147483647")
one = socket.socket(socket.AF_UNIX)
one.connect(sys.argv[1])
one.settimeout(20)
for message in ({"type": "command", "protocol": 1, "command": "submit", "bytes": len(spec), "folder": "/"},
                {"type": "spec", "text": spec}):
    text = json.dumps(message).encode()
    one.sendall(struct.pack(">IB", len(text) + 1, ord("J")) + text)
answer = b""
while True:
    part = one.recv(65536)
    if not part:
        break
    answer += part
assert b"has 2147483647 models; a daemon takes 100000 at most" in answer and b'"status":2' in answer, answer
P
    kill $DAEMON
    daemon_ends 130
}
check "also where the command is another program's" too_large_by_hand

finish
