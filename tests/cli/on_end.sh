#!/bin/bash
# The command that is run when a search ends.
. "$(dirname "$0")/lib.bash"

cat >told.sh <<'T'
#!/bin/bash
{
    echo "$1 $RUNG_SEARCH $RUNG_STATUS $RUNG_BEST_SCORE"
    echo "$RUNG_DB"
    pwd
    "$RUNG" top "$RUNG_DB" -n 1 --format csv | tail -n 1 | cut -d, -f1
} >told.tmp
mv told.tmp told
echo "a word of its own"
T
chmod +x told.sh
export RUNG
spec s '"max_iter": 3' '{}' ', "on_end": ["./told.sh", "word"]'
mkdir elsewhere
(cd elsewhere && "$RUNG" run ../s.json >../out 2>../err)
rc=$?
expect "on_end after a run" 0 "" '^a word of its own$'
best=$("$RUNG" top elsewhere/s.db -n 1 --format json | python3 -c 'import json, sys; print(repr(json.load(sys.stdin)[0]["score"]))')
check "environment, folder, and a database that is there to be read" same told <(
    printf '%s\n' "word s finished $best" "$WORK/elsewhere/s.db" "$WORK" s)
rung run s.json --set 'on_end=["./none"]' --db n.db
expect "a command that is not there" 0 "" '^rung: note: on_end: ./none: No such file or directory$'
rung run s.json --set 'on_end=["sh", "-c", "exit 7"]' --db n.db
expect "a command that fails" 0 "" '^rung: note: on_end: sh: exit status 7$'
rung run s.json --set 'on_end=["sh", "-c", "kill -9 $$"]' --db n.db
expect "a command that is killed" 0 "" '^rung: note: on_end: sh: ended by signal 9$'
threads='on_end=["sh", "-c", "echo $(cat /proc/$PPID/comm) has $(ls /proc/$PPID/task | wc -l) thread, ${OPENBLAS_NUM_THREADS-unset}, $(env | grep -c RUNG_USERS)"]'
for said in unset 1 3; do
    out=$([ $said = unset ] && unset OPENBLAS_NUM_THREADS || export OPENBLAS_NUM_THREADS=$said
        "$RUNG" run s.json --set "$threads" --set name=threads$said --db t.db 2>&1 | grep thread,)
    check "one thread, and the user's environment: $said" test "$out" = "rung has 1 thread, $said, 0"
done
rm told
rung run s.json --set trainer.settings.nan=true --db f.db
expect "after a search that failed" 1
check "status and no score" grep -qx 'word s failed ' told
rm told
rung run s.json --set name=limited --set limits.calls=1 --db l.db
expect "after a limit" 3
check "status interrupted" grep -q '^word limited interrupted ' told
rm told
rung resume n.db
expect "resume of a finished search" 0
check "runs nothing" test ! -e told
finish
