#!/bin/bash
# rung retry
. "$(dirname "$0")/lib.bash"

# Models 0 and 3 fail; the search stops at the first other result, before their rung is decided.
spec s '"max_iter": 9' '{"fail": [0, 3], "until": "ill", "jobs": "jobs"}' ', "limits": {"calls": 6, "retries": 0}'
rung run s.json --db well.db --set limits.calls=null --trainers 1 --quiet
history() { "$RUNG" export "$1" | cut -d, -f3-8 | sort; }
touch ill
rung run s.json --trainers 1 --quiet
expect "stopped within a rung" 3
rung retry s.db 1
expect "a model that has not failed" 2 "" '^rung: model 1: cannot be retried: '
rung retry s.db 99
expect "a model that is not there" 2 "" '^rung: s.db: s has no model 99$'
rung retry s.db 0
expect "one model" 0 '^1 model waits for another attempt: rung resume s.db$'
rung show s.db 0 --format json
check_json "it is not failed any more" "d['status'] in ('waiting', 'paused')"
rung show s.db 3 --format json
check_json "the other one is" "d['status'] == 'failed'"
rung retry s.db
expect "all that have failed" 0 '^1 model waits'
rung retry s.db
expect "none left" 0 '^s: no model has failed$'
rm ill
rung resume s.db --set limits.calls=null --quiet
expect "resumed" 0
check "as if nothing had failed" same <(history well.db) <(history s.db)
rung retry s.db 0
expect "a finished search" 2 "" '^rung: s.db: s is finished: every rung is decided$'

# A rung that is decided: others have taken the place.
touch ill
rung run s.json --db late.db --set limits.calls=20 --trainers 1 --quiet
expect "stopped after the rung" 3
rung retry late.db 0
expect "too late" 2 "" '^rung: model 0: cannot be retried: '
rung retry late.db
expect "too late for all" 2 "" '^rung: model 3: cannot be retried: '
rung list late.db --format json
check_json "nothing was changed" "d[0]['status'] == 'interrupted'"
finish
