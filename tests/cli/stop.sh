#!/bin/bash
# rung stop: what runs, what does not, in its time and at once.
. "$(dirname "$0")/lib.bash"
. "$HERE/daemon.bash"

rung stop
expect "nothing" 2 "" '^rung: stop: an operand is missing: NAME$'
rung stop s
expect "nobody there" 2 "" '^rung: no daemon serves rung.db: '
spec s '"max_iter": 9' '{"hold": "hold", "jobs": "jobs"}'
touch hold
serve --trainers 2
rung stop s
expect "none of that name" 2 "" '^rung: rung.db: holds no search'
rung submit s.json
check "two jobs run" wait_for jobs 2
"$RUNG" stop s >stop.out 2>&1 </dev/null &
stop=$!
check "it waits for them" until_true grep -q 's: waiting for 2 running jobs' serve.err
check "still" kill -0 $stop
rung submit --resume s
expect "what is being stopped does not go on meanwhile" 2 "" '^rung: s: is being stopped$'
rm hold
wait $stop
rc=$?
cp stop.out out
expect "they have ended" 0 '^s is interrupted$'
check "the way on" holds out '^rung submit --resume s --db rung.db  # to go on$'
rung list rung.db --format csv
expect "as it is recorded" 0 '^s,interrupted,'
check "their results were kept" test "$(sqlite3 -readonly rung.db 'select count(*) from history')" = 2
rung stop s
expect "what is stopped" 0 '^s is interrupted$'

touch hold
rung submit --resume s
check "two more jobs" wait_for jobs 4
rung stop s --now
expect "at once" 0 '^s is interrupted$'
check "without their results" test "$(sqlite3 -readonly rung.db 'select count(*) from history')" = 2
rung submit --resume s
check "they are done again" wait_for jobs 6
"$RUNG" stop s --quiet >stop.out 2>&1 </dev/null &
stop=$!
waits() { # the daemon has said so that many times
    [ "$(grep -c 'waiting for 2 running jobs' serve.err)" = "$1" ]
}
check "one who waits" until_true waits 3
kill -INT $stop
wait $stop
rc=$?
cp stop.out out
expect "who leaves" 130 '^rung: interrupted: the search is being stopped all the same$'
rung stop s --quiet
expect "a second time, which is at once" 0
check "in silence" test ! -s out -a ! -s err

"$RUNG" submit s.json --set name=t --wait >waited.out 2>waited.err </dev/null &
waiting=$!
check "one who waits for a search" wait_for jobs 8
rung stop t --now
expect "which is stopped" 0
wait $waiting
rc=$?
cp waited.err err
expect "and told" 130 "" '^rung: t: interrupted$'
rm hold
rung submit --resume s --wait --quiet
expect "all the rest" 0
rung stop s
expect "what has ended" 0 '^s is finished$'
rung submit s.json --set name=alone --wait --quiet
end_daemon
"$RUNG" top rung.db --search s --format csv | cut -d, -f2-6,8- >stopped.top
"$RUNG" top rung.db --search alone --format csv | cut -d, -f2-6,8- >alone.top
check "the leaderboard is that of a search which was never stopped" same alone.top stopped.top
finish
