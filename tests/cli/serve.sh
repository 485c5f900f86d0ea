#!/bin/bash
# rung serve: its options, its socket, what it says, how it ends; list, top and show by way of it.
. "$(dirname "$0")/lib.bash"
. "$HERE/daemon.bash"

# ---- usage ----

rung key secret
rung serve a.db --db b.db
expect "two databases" 2 "" '^rung: serve: two databases are named, a.db and --db b.db$'
rung serve a.db b.db
expect "two operands" 2 "" 'is one operand too many$'
rung serve a.db --trainers 0
expect "nobody to do it" 2 "" '^rung: --trainers: 0 trainers, and no worker can come$'
rung serve a.db --listen 127.0.0.1:0
expect "listening needs a key" 2 "" '^rung: --listen: needs --key FILE'
rung serve a.db --key secret
expect "a key for nothing" 2 "" '^rung: --key: is for --listen ADDRESS$'
rung serve a.db --listen nowhere --key secret
expect "no place to listen" 2 "" '^rung: --listen: '
check "nothing was made" test ! -e a.db
echo text >text.db
rung serve text.db
expect "no database" 2 "" '^rung: text.db: '
deep=$(printf 'd%.0s' $(seq 60))
mkdir -p "$deep/$deep"
rung serve "$deep/$deep/a.db"
expect "too deep for a socket" 2 "" 'is too long for the path of a socket, which has at most 107 bytes$'
check "the way out" holds err "change to the database's folder"
check "no database is left of it" test -z "$(ls "$deep/$deep")"
touch file.db.sock
rung serve file.db
expect "a file in the place of the socket" 2 "" '^rung: file.db.sock: is there, and no socket$'
check "which is still there" test -f file.db.sock

# ---- a daemon ----

(umask 0; serve here.db --trainers 2 >/dev/null; stat -c %a here.db.sock >mode; kill "$daemon"; wait "$daemon")
check "only its owner may open the socket, whatever the umask is" same mode <(echo 600)
spec s '"max_iter": 9'
serve --trainers 2
check "the database without a name" test -S rung.db.sock
rung submit s.json --wait
expect "a search" 0 '^ +1 +'
rung list --db rung.db
expect "list" 0 '^s +finished'
rung list rung.db
cp out direct
rung list --db rung.db
check "list is what it is without the daemon" same direct out
for format in table json csv; do
    rung top rung.db --format $format
    cp out direct
    rung top --db rung.db --format $format
    check "top, $format" same direct out
done
rung top rung.db -n 3
cp out direct
rung top --db rung.db -n 3
check "top, three of them" same direct out
rung show rung.db 3
cp out direct
rung show --db rung.db --search s 3
check "show, a model" same direct out
rung show --db rung.db
expect "show, the search" 0 '^brackets$'
RUNG_COLUMNS=30 rung top rung.db
check "a table for few columns" test "$(wc -L <out)" -le 30
rung top rung.db --db rung.db
expect "a database, and a daemon" 2 "" '^rung: top: a database is named, and a daemon: rung.db$'
rung show --db rung.db 3 4
expect "two models" 2 "" '^rung: show: '
rung show --db rung.db 99
expect "no such model" 2 "" '^rung: rung.db: s has no model 99$'
rung top --db rung.db --search t
expect "no such search" 2 "" "^rung: rung.db: holds no search 't'"
rung top --db rung.db -n x
expect "no number" 2 "" '^rung: -n: "x" is no whole number$'
rung top --db rung.db --format --help
expect "a value that looks like an option is none" 2 "" '^rung: --format: "--help" is none of table, json and csv$'
rung top --db none.db
expect "no daemon" 2 "" '^rung: no daemon serves none.db: none.db.sock: No such file or directory$'
check "the way to one" holds err '^rung serve --db none.db$'
rung top --to 127.0.0.1:1
expect "no key" 2 "" '^rung: --to: needs --key FILE'
rung top --to 127.0.0.1:1 --key secret
expect "nobody there" 2 "" '^rung: 127.0.0.1:1: Connection refused$'
rung top --to nowhere --key secret
expect "no address" 2 "" '^rung: --to: '
rung top --to 127.0.0.1:1 --key secret --db rung.db
expect "two daemons" 2 "" '^rung: --to and --db: '
rung top rung.db --key secret
expect "a key for nothing, and a database" 2 "" '^rung: --key: is for --to ADDRESS$'
ln -s rung.db link.db
rung list --db link.db
expect "by a link to its database" 0 '^s +finished'
rung serve rung.db
expect "another one" 2 "" "^rung: rung.db: is being written by another process \($daemon\)\$"
rung run s.json --db rung.db
expect "run, beside it" 2 "" "is being written by another process \($daemon\)\$"
check "run: the way out" holds err '^rung submit s.json --db rung.db$'
"$RUNG" list --db rung.db >/dev/full 2>err
rc=$?
expect "a full disk" 1 "" '^rung: standard output: cannot be written'
rung list --db rung.db
expect "the daemon after all that" 0
end_daemon
expect "SIGTERM" 130
check "the socket is gone" test ! -e rung.db.sock
check "what it said" same serve.err <(
    printf '%s\n' 'rung: note: commands are taken at rung.db.sock' 's: queued' 's: finished, best 0.89999 (model 9)')

# ---- what ends with it, and what goes on ----

spec held '"max_iter": 9' '{"hold": "hold", "jobs": "jobs"}' ', "on_end": ["sh", "-c", "echo $RUNG_SEARCH $RUNG_STATUS >>told"]'
spec soon '"max_iter": 3' '{}' ', "on_end": ["sh", "-c", "echo $RUNG_SEARCH $RUNG_STATUS >>told; exit 3"]'
touch hold
serve b.db --trainers 2
rung submit held.json --db b.db
check "both trainers have a job" wait_for jobs 2
rung submit soon.json --db b.db
rung list --db b.db --format csv
expect "one that runs" 0 '^held,running'
kill -TERM "$daemon"
check "it waits for the jobs that run" until_true grep -q 'waiting for 2 running jobs' serve.err
check "and lives" kill -0 "$daemon"
rung submit s.json --db b.db
expect "it takes no more" 2 "" 'the daemon is ending'
rm hold
wait "$daemon"
rc=$?
expect "the end" 130
rung list b.db --format csv
expect "what has not ended is queued" 0 '^held,queued'
check "no on_end of what goes on" test ! -e told
"$RUNG" serve b.db --trainers 2 --quiet 2>quiet.err &
daemon=$!
daemons+=("$daemon")
check "all is told at the end" until_true grep -q 'soon finished' told
check "all of it" until_true grep -q 'held finished' told
end_daemon
check "and nothing said" test ! -s quiet.err
finish
