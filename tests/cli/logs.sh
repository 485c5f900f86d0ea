#!/bin/bash
# rung logs
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 9' '{"die": [1], "fail": [2]}' ', "limits": {"retries": 1}'
rung run s.json --trainers 1
expect "failures are told, with trainer and reason" 0 "" '^rung: note: trainer 0: failure: told to fail; model 2 has failed$'
check "a trainer's end too" grep -qE '^rung: note: trainer 0: exit: .*; model 1 (is tried again|has failed)$' err
rung logs s.db
expect "failures" 0 'model 1, calls 0 to 1, attempt 1, trainer 0: exit: .*3'
check "with what was printed last" grep -qx '    last words of model 1' out
check "each attempt" test "$(grep -c 'model 1, calls 0 to 1, attempt' out)" = 2
check "a failure without a retry once" test "$(grep -c 'model 2, .*failure: told to fail' out)" = 1
rung logs s.db 2
expect "of one model" 0 'model 2, .*told to fail'
check "and no other" bash -c '! grep -q "model 1," out'
rung logs s.db 0
expect "of a model that was trained" 0 '^==> s.db.logs/s/0.log <==$'
check "what its trainer printed" grep -q '^    trained model [0-9]* to [0-9]*$' out
rung logs s.db 0 -n 2
check "-n" test "$(grep -c '^    ' out)" = 2
rung logs s.db 0 -n 0
check "-n 0" test "$(grep -c '^    ' out)" = 0
rung logs s.db --format json
check_json "as rows" "{f['kind'] for f in d} == {'exit', 'failure'} and all('log' in f for f in d)"
rung logs s.db 2 --format csv
check "of a model as csv" test "$(wc -l <out)" = 2
printf 'a\033[2Jb\tc\0d\n' >>s.db.logs/s/0.log
rung logs s.db 0 -n 1
check "nothing that drives the terminal" grep -qx '    a?\[2Jb c?d' out
rm -r s.db.logs
rung logs s.db 0
expect "files that are gone" 0 'nothing was printed'
spec good '"max_iter": 1'
rung run good.json --quiet
rung logs good.db
expect "no failures" 0 '^good: no failures'
finish
