#!/bin/bash
# The trainers of the examples, and the built-in ones from the outside: help, errors, a model of each.
. "$(dirname "$0")/lib.bash"

BIN=$(dirname "$RUNG")
TRAINER=$BIN/rung-trainer
cp "$ROOT"/examples/trainer.* "$ROOT"/examples/own_trainer.json .

# ---- trainers of one's own ----

own() { # NAME COMMAND: a search with it; its rows in NAME.rows
    rung run own_trainer.json --db "$1.db" --quiet --set "trainer.command=[\"$2\"]"
    expect "a search with $1" 0
    rung export "$1.db"
    cut -d, -f 3,6,7 out | sort >"$1.rows"
}

own trainer.py ./trainer.py
own trainer.sh ./trainer.sh
check "the trainer in bash has run every job" test "$(wc -l <trainer.sh.rows)" = "$(wc -l <trainer.py.rows)"
if command -v cc >/dev/null; then
    # shellcheck disable=SC2046
    check "the trainer in C compiles against header and library" \
        cc -std=c11 -Wall -Werror -I "$ROOT/include" -o trainer trainer.c "$BIN/librung-trainer.a" \
        $(pkg-config --libs libcjson) -lm ${SANITIZE-}
    own trainer.c ./trainer
    check "the same scores in C and in Python" same trainer.py.rows trainer.c.rows
else
    echo "skip the trainer in C: there is no cc"
fi

# ---- rung-trainer from the outside ----

run_trainer() {
    env -u RUNG_FD "$TRAINER" "$@" >out 2>err </dev/null
    rc=$?
}

run_trainer --help
expect "--help lists the trainers" 0 '^  linear +[a-z]'
check "and the other" holds out '^  mlp +[a-z]'
run_trainer --version
expect "--version says what numbers depend on" 0 '^rung-trainer [0-9.]+ \(OpenBLAS [0-9.]+ [A-Za-z0-9]+, '
run_trainer
expect "no name" 2 '' '^Usage: rung-trainer NAME'
run_trainer lineal
expect "a name that is not there" 2 '' '^rung-trainer: lineal: no such trainer$'
run_trainer linear surplus
expect "an argument too many" 2 '' '^rung-trainer: surplus: unexpected argument$'
run_trainer linear
expect "without a scheduler" 2 '' '^rung-trainer linear: \$RUNG_FD names no open descriptor'
for name in linear mlp; do
    run_trainer "$name" --help
    expect "$name --help has parameters" 0 '^  alpha$'
    check "$name --help has settings" holds out '^  validation$'
    check "$name --help has the keys of data" holds out '^  train_labels$'
    check "$name --help fits 80 columns" test "$(awk 'length > 80' out | wc -l)" = 0
    # A parameter, then its type with a default; nothing is left without words.
    check "$name --help says something of each" awk '
        /^  [a-z_0-9]+$/ { if (open) exit 1; open = 1; name = $1; next }
        /^      [^ ]/    { if (open) { lines++; if (lines == 2) { open = 0; lines = 0 } } }
        END              { exit open }' out
    missing=
    for word in $(sed -n 's/^  \([a-z_0-9]*\)$/\1/p' out); do
        grep -q "\`$word\`" "$ROOT/docs/trainers.md" || missing="$missing $word"
    done
    check "docs/trainers.md names everything in $name --help$missing" test -z "$missing"
done

# ---- searches that cannot work ----

small() { # NAME SETTINGS PARAMETERS
    cat >"$1.json" <<END
{"trainer": {"command": ["$TRAINER", "linear"], "settings": $2, "count": 1}, "parameters": $3,
 "limits": {"retries": 0}, "search": {"algorithm": "random", "models": 2, "max_iter": 2}}
END
    rung run "$1.json" --db "$1.db"
}

small good '{"data": {"generator": "four_circles", "examples": 2000, "test": 200}}' '{"alpha": 0.001}'
expect "a small search" 0 '^test score of the best: 0\.[0-9]+$'
small misspelt '{"data": {"generator": "four_circles"}, "valdation": 0.1}' '{"alpha": 0.1}'
check "a misspelt setting ends the search" test "$rc" = 1
check "and is named with what was meant" \
    grep -rq 'settings.valdation: unknown key (did you mean "validation"?)' misspelt.db.logs err
small parameter '{"data": {"generator": "four_circles", "examples": 400}}' '{"alhpa": 0.1}'
check "a misspelt parameter ends the search" test "$rc" = 1
rung logs parameter.db
check "and is named with what was meant" \
    grep -q 'parameters.alhpa: unknown key (did you mean "alpha"?)' out
finish
