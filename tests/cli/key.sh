#!/bin/bash
# rung key
. "$(dirname "$0")/lib.bash"

rung key secret
expect "a key is made" 0 '^secret: a new key; .*rung worker ADDRESS --key secret$'
check "one line is printed" test "$(cat out err | wc -l)" = 1
check "only its owner can read it" test "$(stat -c %a secret)" = 600
check "it is a line of 64 hexadecimal digits" grep -Eqx '[0-9a-f]{64}' secret
check "which is not printed" sh -c '! grep -qf secret out err'
cp secret before
rung key secret
expect "one that exists is refused" 2 "" '^rung: secret: it exists, and a key is never replaced$'
check "with a way out" holds err '^take another name, or remove it first$'
check "and kept" cmp secret before
rung key other
expect "another one" 0
check "is another one" sh -c '! cmp -s secret other'
(umask 000 && "$RUNG" key open >out 2>err)
check "the umask opens it to nobody" test "$(stat -c %a open)" = 600
rung key nowhere/key
expect "a folder that is not there" 2 "" '^rung: nowhere/key: cannot be made: '
rung list --to 127.0.0.1:1 --key secret
expect "a key of ours is taken" 2 "" 'Connection refused'
if [ "$(id -u)" = 0 ]; then
    chown 12345 secret
    rung list --to 127.0.0.1:1 --key secret
    expect "a key of another user is refused" 2 "" '^rung: --key: secret: it belongs to another user \(12345\), who can read it, too$'
    check "with a way out" holds err '^chown 0 secret$'
    chown 0 secret
else
    echo "skip a key of another user: only root can make one"
fi
rung key
expect "a missing operand" 2 "" '^rung: key: an operand is missing: FILE$'
rung key a b
expect "two files" 2 "" 'one operand too many$'
check "nothing is made then" test ! -e a -a ! -e b
finish
