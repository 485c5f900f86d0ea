#!/bin/bash
# The table of commands, the pages in docs/commands and the completion know the same commands and options.
. "$(dirname "$0")/lib.bash"

rung --version
expect "version" 0 '^rung [0-9]+\.[0-9]+\.[0-9]+$'
rung help
expect "help lists the commands" 0 '^  run SPEC '
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' out)
cp out overview
rung --help
check "--help is help" same overview out
rung
expect "no command is a usage error" 2 "" '^Usage: rung COMMAND'

options() { # of what `rung COMMAND --help` has printed
    sed -n '/^Options:/,/^$/p' out | grep -oE '^  (-[a-z](, )?)?(--[a-z-]+)?' | tr ' ,' '\n\n' | grep . | sort
}

documented() { # in the page's section of options
    sed -n '/^## Options/,/^## Examples/p' "$1" | grep '^- ' | cut -d: -f1 | grep -oE '`-[^` ]*' | tr -d '`' | sort
}

completed() {
    # shellcheck disable=SC1090
    (. "$ROOT/docs/completion.bash" && _rung_options "$1") 2>/dev/null | tr ' ' '\n' | sort
}

for command in $commands; do
    rung "$command" --help
    expect "$command --help" 0 "^Usage: rung $command"
    cp out page
    check "$command: example is its own" grep -q "^  rung $command" page
    rung help "$command"
    check "help $command is $command --help" same page out
    options >known
    page=$ROOT/docs/commands/$command.md
    check "$command: the page names the same options" same known <(documented "$page")
    check "$command: completion knows the same options" same <(grep -v '^-h$' known) <(completed "$command")
    usage=$(sed -n 's/^Usage: //p' page)
    check "$command: the page has the same usage" grep -qF "    $usage" "$page"
    for section in Usage Options Examples "Exit status" "See also"; do
        check "$command: section $section" grep -q "^## $section\$" "$page"
    done
    check "$command: in the page of rung" grep -q "($command.md)" "$ROOT/docs/commands/rung.md"
done

check "completion knows the same commands" same <(echo "$commands") <(
    sed -n 's/^ *local commands="\(.*\) --version --help"$/\1/p' "$ROOT/docs/completion.bash" | tr ' ' '\n')

rung runn spec.json
expect "a misspelt command" 2 "" '^rung: runn: unknown command \(did you mean "run"\?\)$'
rung help tpo
expect "help of a misspelt command" 2 "" '^rung: tpo: unknown command \(did you mean "top"\?\)$'
rung --versoin
expect "an unknown option in the place of a command" 2 "" '^rung: --versoin: unknown option$'
rung top --serch x y.db
expect "a misspelt option" 2 "" '^rung: top: --serch: unknown option \(did you mean "--search"\?\)$'
check "the way out of a misspelt option" grep -qx "rung top --help" err
rung top
expect "a missing operand" 2 "" '^rung: top: an operand is missing: DB$'
rung delete x.db
expect "a missing second operand" 2 "" '^rung: delete: an operand is missing: DB SEARCH$'
rung top a.db b.db
expect "an operand too many" 2 "" '^rung: top: "b.db" is one operand too many$'
rung run --trainers
expect "a missing value" 2 "" '^rung: run: --trainers: needs a value \(N\)$'
rung run --quiet=yes spec.json
expect "a value for a flag" 2 "" '^rung: run: --quiet: takes no value$'
finish
