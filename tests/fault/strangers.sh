#!/bin/bash
# Strangers at the door of a running search, and workers that do not keep to the protocol: each is refused or dropped and
# told once, and the search goes on and ends like a local one.
. "$(dirname "$0")/lib.bash"
. "$FAULT/workers.bash"

STRANGER=${RUNG_BUILD:-$FAULT/../../build}/tests/fault/stranger
[ -x "$STRANGER" ] || { echo "skip all: $STRANGER was not built"; exit 0; }
"$RUNG" key other.key >/dev/null
read -r PORT RECORDED <<<"$(free_ports 2)"

told() { # TEXT COUNT: that many lines of what the search says have it
    same "$2" "$(grep -cF -- "$1" strange.err)" "lines with \"$1\"" || { cat strange.err; return 1; }
}

goes_on() {
    running "$SCHEDULER" || { echo "the search is over"; cat strange.err; return 1; }
}

# TEXT COMMAND…: twice, of which the first time alone is told, unless it was told of others before; the search runs on
once() {
    local text=$1
    shift
    "$@"
    until_true told "$text" 1
    "$@"
    sleep 0.1
    told "$text" 1
    goes_on
}

REFUSED="a connection from 127.0.0.1 was refused:"
BROKEN="the worker on stranger did not keep to the protocol:"

stranger() { # HOW [TEXT]: …, and what it was told last
    timeout 30 "$STRANGER" "$PORT" rung.key "$1" >stranger.out
    [ $# = 1 ] || has stranger.out "$2"
}

says() { # TEXT
    timeout 40 "$PYTHON" -S -E "$FAULT/strangers.py" "$PORT" say "$1"
}

without_key() { # OPTION…: TLS, by another program
    ! timeout 30 openssl s_client -connect "127.0.0.1:$PORT" "$@" </dev/null >s_client.out 2>&1
}

a_worker_without_a_key() {
    local got=0
    "$RUNG" worker "127.0.0.1:$PORT" 2>refused.err || got=$?
    same 2 $got "exit status"
    has refused.err "needs --key FILE"
}

# Whatever comes last, a close or the reason.
commands() {
    local i
    for i in 1 2 3 4 5 6; do
        rung 2 list --to "127.0.0.1:$PORT" --key rung.key
        has err "refuses: a search takes workers there, and no commands"
    done
}

# What a worker said is said again on new connections, whole and in part.
replayed() {
    timeout 40 "$PYTHON" -S -E "$FAULT/strangers.py" "$PORT" replay said
    head -c 400 said >start
    timeout 40 "$PYTHON" -S -E "$FAULT/strangers.py" "$PORT" replay start
}

silent() { # COUNT FILE: holds so many connections, in the background; FILE says when they are there, SILENT ends them
    exec {SILENT}> >(exec "$PYTHON" -S -E "$FAULT/strangers.py" "$PORT" silent "$1" >"$2")
    until_true has "$2" there
}

half_a_thousand() {
    local before
    told "$REFUSED it did not say in time who it is" 0
    silent 500 silent.out
    until_true told "$REFUSED it did not say in time who it is" 1
    before=$(sql strange 'select count(*) from history')
    worker "$PORT" # comes in all the same
    until_true connected "${WORKERS[-1]}"
    exec {SILENT}>&-
    silent 500 silent2.out
    exec {SILENT}>&-
    told "$REFUSED it did not say in time who it is" 1
    until_true more_results "$before"
    goes_on
}

connected() { # PID: the worker has trainers for the search
    pgrep -P "$1" >/dev/null
}

more_results() { # COUNT: than those
    [ "$(sql strange 'select count(*) from history')" -gt "$1" ]
}

the_same_in_the_end() {
    local status
    while running "$SCHEDULER"; do sleep 0.1; done
    status=$(cat strange.status)
    same 0 "$status" "exit status" || { cat strange.err; return 1; }
    as_local strange
    test -s said # by the recorded worker, which did its part
    same "" "$(grep '^rung: note: \(a connection\|the worker\)' strange.err | sort | uniq -d)" "what was told twice"
    same "$(grep -c 'a connection from\|the worker on' strange.err)" "$(grep -c '"warning".*\(a connection from\|the worker on\)' strange.events)" \
        "warnings among the events"
}

# NAME [COUNT]: seconds that a search takes, with so many silent connections
seconds_of() {
    local started count=${2:-0}
    spec "$1" "memory=0 sleep=0.01"
    scheduler "$1" "$PORT"
    until_true grep -q "workers are taken" "$1.err"
    [ "$count" = 0 ] || silent "$count" "$1.silent"
    started=$EPOCHREALTIME
    worker "$PORT"
    worker "$PORT"
    scheduler_ends "$1"
    awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", b - a }' >"$1.seconds"
    [ "$count" = 0 ] || exec {SILENT}>&-
    as_local "$1"
}

check a_local_run_to_compare_with local_run

spec strange "memory=0 sleep=0.1"
"$PYTHON" -S -E "$FAULT/record.py" "$RECORDED" "$PORT" said &
(
    "$RUNG" run strange.json --db strange.db --trainers 0 --listen "127.0.0.1:$PORT" --key rung.key --heartbeat 1 \
        --events strange.events >strange.out 2>strange.err </dev/null &
    echo $! >scheduler.pid
    wait $!
    echo $? >strange.status
) &
until_true test -s scheduler.pid
SCHEDULER=$(cat scheduler.pid)
echo "$SCHEDULER" >>started
until_true grep -q "workers are taken" strange.err
worker "$RECORDED"
worker "$PORT"
until_true test -s said || { echo "not ok a_search_with_workers"; sed 's/^/# /' strange.err worker.err; exit 1; }
timeout 60 "$STRANGER" "$PORT" rung.key silent >silent.told &
echo $! >>started

check a_wrong_key_is_refused once "$REFUSED it does not have the same key" refused 2 "key" --key other.key
check no_worker_without_a_key a_worker_without_a_key
if command -v openssl >/dev/null; then
    check tls_without_a_key_is_refused once "$REFUSED it does not have the same key" without_key -tls1_3
    check tls_with_a_guessed_key_is_refused once "$REFUSED it does not have the same key" \
        without_key -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256 -psk_identity rung -psk 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
    check another_version_of_tls_is_refused once "$REFUSED it speaks another version of TLS" without_key -tls1_2
else
    skip tls_without_a_key_is_refused "there is no openssl program"
fi
check plain_text_is_refused once "$REFUSED it speaks no TLS" says 'GET / HTTP/1.0\r\n\r\n'
check frames_without_tls_are_refused once "$REFUSED it speaks no TLS" says '\xff\xff\xff\xffJ'
check a_replayed_handshake_is_refused once "$REFUSED it does not have the same key" replayed
check another_version_of_rung_is_refused once "$REFUSED it speaks another version of the protocol" stranger version "refused it speaks another version"
check who_says_something_else_is_refused once "$REFUSED it did not say hello" stranger other "refused it did not say hello"
check a_command_is_refused once "$REFUSED a search takes workers there, and no commands" commands
check a_frame_of_4_GiB_ends_the_connection once "$BROKEN a frame of 4294967295 bytes" stranger long
check a_truncated_frame_ends_the_connection once "$BROKEN closed in the middle of a frame" stranger truncated
check a_cut_frame_ends_the_connection once "the worker on stranger is out of reach: connection lost in the middle of a frame" stranger cut
check an_unknown_frame_ends_the_connection once "$BROKEN a frame of the unknown type 88" stranger unknown
check what_is_no_json_ends_the_connection once "$BROKEN a message that is no JSON" stranger text
check a_missing_message_ends_the_connection once "$BROKEN a message is missing" stranger missing
check a_wrong_confirmation_ends_the_connection once "$BROKEN a message is confirmed that was not sent" stranger confirms
check what_was_never_there_is_not_gone_on_with once "$REFUSED it has messages that were never sent" stranger again
check a_state_of_another_checksum_is_not_taken once "$BROKEN a file came with another length or checksum than was said" stranger checksum
check a_state_of_another_length_is_not_taken once "$BROKEN a file came with another length or checksum than was said" stranger short
check half_a_thousand_silent_connections half_a_thousand
check who_has_the_key_and_is_silent_is_not_waited_for until_true has silent.told "refused it did not say in time who it is"
check the_search_ends_as_if_nothing_had_been the_same_in_the_end
check a_search_alone seconds_of alone
check a_search_beside_silent_connections seconds_of beside 500
echo "# $(cat alone.seconds) s alone, $(cat beside.seconds) s beside 500 silent connections"
finish
