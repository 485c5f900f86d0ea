#!/bin/bash
# Standard output that is full, closed, or left by its reader.
. "$(dirname "$0")/lib.bash"

spec s '"max_iter": 9'
rung run s.json --quiet
for command in "top s.db" "export s.db" "list s.db --format json" "plan s.json" help; do
    # shellcheck disable=SC2086
    {
        "$RUNG" $command >/dev/full 2>err
        rc=$?
        : >out
        expect "$command: full" 1 "" '^rung: standard output: cannot be written: No space left on device$'
        "$RUNG" $command 2>err >&-
        rc=$?
        expect "$command: closed" 1 "" '^rung: standard output: cannot be written: Bad file descriptor$'
        "$RUNG" $command 2>err | true
        rc=${PIPESTATUS[0]}
        expect "$command: left" 0
        check "$command: without a word" test ! -s err
    }
done
"$RUNG" run s.json --db closed.db --quiet <&- >&- 2>&-
check "a search without standard streams" test $? = 0
check "its database is one" test "$(head -c 6 closed.db)" = SQLite
spec big '"algorithm": "random", "models": 3000, "max_iter": 1'
rung run big.json --quiet
"$RUNG" export big.db 2>err | head -n 1 >out
check "a long export left early" test ! -s err
finish
