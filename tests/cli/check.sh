#!/bin/bash
# rung check
. "$(dirname "$0")/lib.bash"

spec good
rung check good.json
before=$(ls)
rung check good.json
expect "a good spec" 0 '^good.json: good: hyperband, 17 models, 69 calls, trainer /.*/trainer.py$'
check "nothing is made" test "$(ls)" = "$before"
rung check good.json --set search.agressiveness=4
expect "a misspelt key" 2 "" '^rung: good.json: search.agressiveness: unknown key \(did you mean "aggressiveness"\?\)$'
rung check ./good.json --set search.max_iter=none
expect "a wrong type, the path as given" 2 "" '^rung: ./good.json: search.max_iter: '
rung check good.json --set search
expect "--set without a value" 2 "" '^rung: --set search: '
rung check good.json --set 'trainer.command=["./none"]'
expect "a program that is not there" 2 "" '^rung: good.json: trainer.command: /.*/none: No such file or directory$'
rung check good.json --set 'trainer.command=["surely-no-such-program"]'
expect "a program that is nowhere" 2 "" 'trainer.command: "surely-no-such-program" is neither beside rung nor on PATH$'
check "its way out" grep -q '"./surely-no-such-program"' err
rung check good.json --set 'trainer.command=["python3"]'
expect "a program on PATH" 0 'trainer /.*python3$'
printf '{\n  "trainer": {"command": ["x"],}\n}\n' >syntax.json
rung check syntax.json
expect "a syntax error has line and column" 2 "" '^rung: syntax.json: line 2, column 3[0-9]: '
printf '// a comment\n{"trainer": {"command": ["./trainer.py"]}, /* another */ "parameters": {"a": 1}, "search": {"max_iter": 1}}\n' >comments.json
rung check comments.json
expect "comments" 0
printf '{"name": "x", "name": "y"}' >twice.json
rung check twice.json
expect "a key that is there twice" 2 "" '^rung: twice.json: line 1, column 15: .*name'
: >empty.json
rung check empty.json
expect "an empty file" 2 "" '^rung: empty.json: line 1, column 1: '
rung check .
expect "a folder" 2 "" '^rung: \.: Is a directory$'
printf '{"a": 1}\n{"a": 2}\n' >models.jsonl
echo '{"trainer": {"command": ["./trainer.py"]}, "configurations": "models.jsonl",
       "search": {"algorithm": "random", "models": 2, "max_iter": 1}}' >listed.json
rung check listed.json
expect "configurations in a file" 0
rung check listed.json --set search.models=3
expect "too few configurations" 2 "" '^rung: listed.json: .*3'
for file in good listed; do # its files are then those of the current folder
    "$RUNG" check /dev/stdin >out 2>err < <(cat $file.json)
    rc=$?
    expect "$file from a pipe" 0 "^/dev/stdin: good: .* trainer $WORK/trainer.py$"
    "$RUNG" check <(cat $file.json) >out 2>err
    rc=$?
    expect "$file from another pipe" 0 "^/dev/fd/[0-9]*: good: .* trainer $WORK/trainer.py$"
done
(mkdir elsewhere && cd elsewhere && "$RUNG" check /dev/stdin >../out 2>../err <../good.json)
check "a file as standard input has its folder" test $? = 0
"$RUNG" plan /dev/stdin >out 2>err < <(cat good.json)
rc=$?
expect "plan from a pipe" 0
"$RUNG" simulate /dev/stdin >out 2>err < <(cat good.json)
rc=$?
expect "simulate from a pipe" 0
"$RUNG" run /dev/stdin --db "$WORK/piped.db" --set search.max_iter=1 --quiet >out 2>err < <(cat good.json)
rc=$?
expect "run from a pipe" 0
for address in a:1 '[::1]:7700' 10.0.0.1:7700 :7700; do
    rung check good.json --set cluster.address="$address"
    expect "cluster.address with a port: $address" 2 "" \
        '^rung: good.json: cluster.address: expected the name or address of a host, without a port'
done
for address in head ::1 '[::1]' 10.0.0.1; do
    rung check good.json --set cluster.address="$address"
    expect "cluster.address without one: $address" 0
done
(mkdir sub && cd sub && "$RUNG" check ../listed.json >/dev/null 2>../err)
check "files are relative to the spec" test $? = 0
finish
