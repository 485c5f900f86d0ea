#!/bin/bash
# Answers that nobody reads: who asks, a daemon or with the plain commands, and then stops reading holds nothing open in a
# database that is written, and shuts nobody else out.
. "$(dirname "$0")/lib.bash"
. "$FAULT/daemon.bash"

# An answer that no pipe and no socket can hold (3 MB), and a search that writes far more than its log may keep.
TEXT=$(printf 'x%.0s' {1..20000})
PARAMETERS="{\"rate\": {\"uniform\": [0, 1]}, \"text\": {\"choice\": [\"$TEXT\"]}}" \
    SEARCH='"algorithm": "random", "models": 150, "max_iter": 1' spec big stateless
SEARCH='"algorithm": "random", "models": 800, "max_iter": 1' spec writes "stateless metrics=60000"
rung 0 run writes.json --db writes.db --quiet --trainers 4 || echo "not ok a run by itself"
WAL_MAX=25000000 # a checkpoint comes at 17 MB

wal_is_small() { # DB
    local size
    size=$(stat -c %s "$1-wal" 2>/dev/null || echo 0)
    [ "$size" -lt $WAL_MAX ] || { echo "the log of $1 has $size bytes"; return 1; }
}

# SOCKET COUNT MODELS FILE: asks so often, one after the other, reads the first frame's head of each answer, writes to
# FILE how many were answered and how many refused, and is silent
deaf() {
    "$PYTHON" -S -E - "$@" <<'P' &
import json, os, socket, struct, sys, time
held, heads = [], []
for i in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    one.settimeout(60)
    text = json.dumps({"type": "command", "protocol": 1, "command": "top",
                       "options": {"search": "big", "format": "json", "n": sys.argv[3]}}).encode()
    one.sendall(struct.pack(">IB", len(text) + 1, ord("J")) + text)
    heads.append(one.recv(5)[4:])
    held.append(one)
with open(sys.argv[4] + ".new", "w") as file:
    print(heads.count(b"S"), heads.count(b"J"), file=file)
os.rename(sys.argv[4] + ".new", sys.argv[4])
time.sleep(1000)
P
    DEAF=$!
    echo $DEAF >>others
    until_true test -e "$4"
}

# NAME ARGUMENT…: a command whose reader takes one byte, then nothing until NAME.go is there, then the rest
reads_later() {
    "$RUNG" "${@:2}" 2>"$1.err" </dev/null | "$PYTHON" -S -E -c '
import os, sys, time
name = sys.argv[1]
head = os.read(0, 1)
open(name + ".begun", "w").close()
while not os.path.exists(name + ".go"):
    time.sleep(0.02)
with open(name + ".new", "wb") as file:
    file.write(head + sys.stdin.buffer.read())
os.rename(name + ".new", name + ".read")' "$1" &
    echo $! >>others
    until_true test -e "$1.begun"
}

# NAME ARGUMENT…: it goes on, and has read what the command prints now
has_read() {
    touch "$1.go"
    until_true test -e "$1.read"
    rung 0 "${@:2}"
    cmp out "$1.read"
}

no_answers() { # are held by the daemon
    ! ls -l "/proc/$DAEMON/fd" | grep -q '(deleted)'
}

# ---- a daemon's callers ----

deaf_callers() {
    daemon deaf.db
    submit deaf.db -- big
    finished deaf.db big
    deaf deaf.db.sock 40 0 deaf.heads
    same "40 0" "$(cat deaf.heads)" "answered and refused"
    submit deaf.db -- writes
    finished deaf.db writes
    wal_is_small deaf.db
    rung 0 top --db deaf.db --search big --format json
    cp out asked.json
    rung 0 top deaf.db --search big --format json
    cmp asked.json out
    as_alone deaf.db writes writes
    kill $DEAF
    until_true no_answers
    kill $DAEMON
    daemon_ends 130
}
check callers_who_do_not_read_hold_up_neither_the_search_nor_others deaf_callers

too_many() {
    daemon many.db
    submit many.db -- big
    finished many.db big
    deaf many.db.sock 130 40 many.heads
    same "128 2" "$(cat many.heads)" "answered and refused"
    rung 1 list --db many.db
    has err "the daemon is asked too much at once" "ask again in a moment"
    kill $DEAF
    until_true no_answers
    rung 0 list --db many.db
    kill $DAEMON
    daemon_ends 130
}
check answers_that_wait_have_a_bound_and_go_with_their_readers too_many

pages() {
    daemon pages.db
    submit pages.db -- big
    finished pages.db big
    reads_later asked top --db pages.db --search big --format json
    until_true no_answers # while its reader sleeps
    has_read asked top pages.db --search big --format json
    kill $DAEMON
    daemon_ends 130
}
check a_client_takes_its_answer_however_slow_its_own_reader_is pages

ends_while_it_asks() {
    daemon end.db
    submit end.db -- big
    finished end.db big
    deaf end.db.sock 3 0 end.heads
    kill $DAEMON
    daemon_ends 130
    rung 2 top --db end.db
    has err "no daemon serves end.db"
}
check a_daemon_that_ends_does_not_wait_for_those_who_do_not_read ends_while_it_asks

# ---- without a daemon ----

plain_commands() {
    local pid got=0
    rung 0 run big.json --db plain.db --quiet
    "$RUNG" run writes.json --db plain.db --quiet --trainers 4 2>plain.err </dev/null &
    pid=$!
    echo $pid >>started
    until_true results plain.db writes 5
    kill -STOP $pid # it has most before it when they begin
    reads_later top top plain.db --search big --format json
    reads_later table top plain.db --search big -n 0
    reads_later export export plain.db --search big --what models
    kill -CONT $pid
    wait $pid || got=$?
    same 0 $got "exit status of the search" || { cat plain.err; return 1; }
    wal_is_small plain.db
    test ! -e plain.db-wal # who closed it was the last
    as_alone plain.db writes writes
    has_read top top plain.db --search big --format json
    has_read table top plain.db --search big -n 0
    has_read export export plain.db --search big --what models
}
check readers_who_stop_reading_hold_up_no_search plain_commands

# ---- no room for answers ----

# FOLDER COMMAND…: through a pipe, so that the answer has to be kept
piped() {
    TMPDIR=$1 "$RUNG" "${@:2}" 2>err </dev/null | cat >out
    GOT=${PIPESTATUS[0]}
}

no_folder() {
    rung 0 run big.json --db none.db --quiet
    rung 0 top none.db --format json
    cp out whole.json
    piped "$DIR/none" top none.db --format json
    same 1 "$GOT" "exit status"
    has err "$DIR/none: what is to be printed cannot be kept there: No such file" "TMPDIR=… names another folder"
    test ! -s out
    piped "$DIR/none" list none.db # is short
    same 0 "$GOT" "exit status"
    has out big
    TMPDIR=$DIR/none rung 0 top none.db --format json # to a file, where nobody reads
    cmp whole.json out
    TMPDIR=$DIR/none "$RUNG" serve none.db --trainers 4 2>none.err </dev/null &
    DAEMON=$!
    echo $DAEMON >>started
    until_true grep -q "commands are taken at" none.err
    rung 0 list --db none.db # it has the folder of its database
    has out big
    rung 0 top --db none.db --format json
    cmp whole.json out
    until_true no_answers
    submit none.db -- writes # it does all else
    finished none.db writes
    as_alone none.db writes writes
    kill $DAEMON
    daemon_ends 130
}
check without_a_temporary_folder_short_answers_come_and_long_ones_say_why_not no_folder

full_folder() {
    TMPDIR=$DIR/full daemon full.db
    submit full.db -- big
    finished full.db big
    rung 1 top --db full.db --format json
    has err "the daemon cannot keep its answer in $DIR/full: No space left" "ask for less"
    same 2 "$(wc -l <err)" "lines of the error"
    test ! -s out
    submit full.db -- writes
    rung 1 top --db full.db --search big --format json
    rung 0 top --db full.db --search big -n 3
    rung 0 list --db full.db
    finished full.db writes
    as_alone full.db writes writes
    piped "$DIR/full" top full.db --search big --format json
    same 1 "$GOT" "exit status"
    has err "$DIR/full: what is to be printed cannot be kept there: No space left"
    kill $DAEMON
    daemon_ends 130
}
mkdir full
if mount -t tmpfs -o size=1m tmpfs full 2>/dev/null; then
    trap 'end_all; kill -9 $(cat "$DIR/others") 2>/dev/null; cd /; umount -l "$DIR/full"; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT
    check a_full_temporary_folder_is_one_clear_error_and_harms_nothing_else full_folder
else
    skip a_full_temporary_folder_is_one_clear_error_and_harms_nothing_else "no file system can be mounted here"
fi

finish
