#!/bin/bash
# rung worker, and what run says of listening
. "$(dirname "$0")/lib.bash"

rung key secret
rung worker
expect "an operand is missing" 2 "" '^rung: worker: an operand is missing: ADDRESS$'
rung worker :7700
expect "no key" 2 "" '^rung: worker: needs --key FILE'
check "a way to get one" holds err 'rung key FILE'
rung worker :7700 --key none
expect "a key that is not there" 2 "" '^rung: none: '
chmod 644 secret
rung worker :7700 --key secret
expect "a key that others can read" 2 "" '^rung: secret: '
check "the way out" holds err 'chmod 600'
chmod 600 secret
for address in nowhere 127.0.0.1 127.0.0.1:99999 '[::1' :0; do
    rung worker "$address" --key secret
    expect "no address: $address" 2 "" '^rung: '
done
rung worker 127.0.0.1:1 --key secret --trainers 0
expect "no trainers" 2 "" '^rung: --trainers'
rung worker 127.0.0.1:1 --key secret --orphan-timeout soon
expect "no time" 2 "" '^rung: --orphan-timeout'
mkdir folders folders/rung-worker-abcdef folders/rung-worker-abcdef/logs # of one that was killed
touch folders/rung-worker-abcdef/1.2 folders/rung-worker-notes
export TMPDIR=$PWD/folders
rung worker 127.0.0.1:1 --key secret --orphan-timeout 0.3
expect "nobody there" 1 "" '^rung: no scheduler for 0.3 s: 127.0.0.1:1: Connection refused$'
check "which was said at once" holds err '^rung: note: 127.0.0.1:1: Connection refused; trying again for 0.3 s$'
check "and not again" test "$(wc -l <err)" = 2
rung worker 127.0.0.1:1 --key secret --orphan-timeout 0.3 --quiet
expect "--quiet leaves the error" 1 "" '^rung: no scheduler for 0.3 s: 127.0.0.1:1: Connection refused$'
check "and nothing else" test "$(wc -l <err)" = 1
rung worker no..where:7700 --key secret --orphan-timeout 2
expect "no such machine" 1 "" '^rung: note: no..where:7700: the name .*; trying again for [0-9.]+ s$'
check "nothing is left" test "$(ls folders)" = rung-worker-notes
("$RUNG" worker 127.0.0.1:1 --key secret --orphan-timeout 5 2>/dev/null & worker=$!; sleep 0.3; kill -9 $worker; wait $worker) 2>/dev/null
("$RUNG" worker 127.0.0.1:1 --key secret --orphan-timeout 1 2>/dev/null &
    sleep 0.3; "$RUNG" worker 127.0.0.1:1 --key secret --orphan-timeout 0.2 2>/dev/null; ls folders >beside; wait)
check "a killed worker's folder goes, another's stays" test "$(wc -l <beside)" = 2
check "nothing is left of all" test "$(ls folders)" = rung-worker-notes
("$RUNG" worker 127.0.0.1:1 --key secret 2>err & worker=$!; sleep 0.3; kill -TERM $worker; wait $worker)
rc=$?
expect "interrupted" 130 "" '^rung: interrupted$'

spec s '"max_iter": 3' '{}'
rung run s.json --listen 127.0.0.1:0
expect "listening needs a key" 2 "" '^rung: --listen: needs --key FILE'
rung run s.json --key secret
expect "a key for nothing" 2 "" '^rung: --key: is for --listen ADDRESS$'
rung run s.json --listen nowhere --key secret
expect "no place to listen" 2 "" '^rung: --listen: '
rung run s.json --listen 127.0.0.1:0 --key secret --heartbeat never
expect "no heartbeat" 2 "" '^rung: --heartbeat: '
rung run s.json --trainers 0
expect "nobody to do it" 2 "" '^rung: --trainers: 0 trainers, and no worker can come$'
check "nothing was made" test ! -e s.db
rung run s.json --listen 127.0.0.1:0 --key secret
expect "with trainers here it need not wait" 0 "" 'workers are taken at port [0-9]+$'
finish
