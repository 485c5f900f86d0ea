#!/bin/bash
# The live display, on a pseudo-terminal.
. "$(dirname "$0")/lib.bash"
. "$HERE/terminal.bash"
if ! terminals; then
    echo "skip display.sh: no pseudo-terminal can be had here"
    exit 0
fi

spec s '"max_iter": 9' '{"hold": "hold"}'
touch hold
screen resize run s.json --db a.db
expect "a search on a terminal" 0 'of 2 trainers busy'
check "a bar per bracket and rung" grep -aq 'bracket 2  .*\[.*\[.*\[.*rung 0: ' out
check "calls done of planned" grep -aqE 'calls [0-9]+ of 69' out
check "redrawn in place" grep -aqE "$(printf '\033')\[[0-9]+A" out
check "coloured" grep -aq "$(printf '\033\[32m')" out
check "the cursor is shown as often as hidden" test "$(grep -ao '\[?25l' out | wc -l)" = "$(grep -ao '\[?25h' out | wc -l)"
check "no line over the width after the resize" within_the_terminal
check "the leaderboard comes below" grep -aqE 'rank +model +score' out
NO_COLOR=1 screen resize run s.json --db b.db
expect "NO_COLOR" 0
check "not coloured" bash -c '! grep -aq "$(printf "\033\\[3[0-9]m")" out'
touch hold
screen stop run s.json --db c.db
expect "interrupted by Ctrl-C" 130 'rung resume c.db'
check "the cursor is back" test "$(grep -ao '\[?25[lh]' out | tail -n 1)" = '[?25h'
screen none run s.json --db d.db --quiet
expect "--quiet on a terminal" 0
check "nothing is drawn" test ! -s out
finish
