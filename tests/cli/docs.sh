#!/bin/bash
# The documents: their specs pass, their messages are those of rung, their trainer trains, the tests they name exist.
. "$(dirname "$0")/lib.bash"

PYTHON=$(python3 -c 'import sys; print(sys.executable)')
TEE=$ROOT/tests/fault/trainers/tee.py
docs() {
    "$PYTHON" "$HERE/docs.py" "$@"
}

# ---- whole specs ----

if [ -x "$(dirname "$RUNG")/rung-trainer" ]; then
    for page in "$ROOT"/README.md "$ROOT"/docs/*.md; do
        [ -f "$page" ] || continue
        name=$(basename "$page")
        for block in $(docs blocks json "$page"); do
            grep -q '"trainer": *{' "$block" || continue
            cp "$block" "$block.json"
            rung check "$block.json"
            expect "$name, $block passes check" 0
            rung plan "$block.json"
            expect "$name, $block has a plan" 0
            rm -f "$block" "$block.json"
        done
    done
else
    echo "skip the specs in the documents: there is no rung-trainer"
fi

# ---- the protocol page ----

PROTOCOL=$ROOT/docs/protocol.md
for block in $(docs blocks python "$PROTOCOL"); do
    mv "$block" trainer.py
done
for block in $(docs blocks json "$PROTOCOL"); do
    grep -q '"trainer": *{' "$block" && cp "$block" example.json
done
for block in $(docs blocks text "$PROTOCOL"); do
    mv "$block" conversation
done

# SPEC: its trainer is listened to
with_tee() {
    sed "s|\"command\": \[\"[^\"]*\"|\"command\": [\"$PYTHON\", \"$TEE\", \"$WORK/said\", \"$PYTHON\"|" "$1" >"tee-$1"
}

with_tee example.json
rung run tee-example.json --db example.db --quiet --trainers 1
expect "the trainer of the protocol page trains" 0
sed "s|$WORK|/tmp|g" said >heard
check "the conversation of the protocol page is what they say" diff conversation heard

# A trainer that does everything, and some things wrong.
rm -f said
cat >all.json <<END
{"name": "all", "trainer": {"command": ["python3", "$ROOT/tests/fault/trainers/trainer.py", "fail_retry", "times=1", "log=$WORK/log", "evaluate=1"]},
 "parameters": {"a": {"uniform": [0, 1]}},
 "search": {"algorithm": "hyperband", "max_iter": 9}}
END
with_tee all.json
rung run tee-all.json --db all.db --trainers 1 --events events
expect "a search with events" 0
check "the messages of the protocol page have the keys that rung sends" docs messages "$PROTOCOL" said

# A warning comes of a state that is gone.
rung run example.json --db again.db --quiet --trainers 1 --set name=again --set limits.calls=3
rm -f again.db.states/again/*
rung resume again.db --set limits.calls=null --events events
expect "a search that has something to say" 0
check "the events of the protocol page are those that are written" docs events "$PROTOCOL" events

check "the tests that the page of semantics names exist" docs tests "$ROOT/docs/semantics.md" "$ROOT"

finish
