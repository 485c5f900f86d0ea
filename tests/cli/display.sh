#!/bin/bash
# The live display, on a pseudo-terminal.
. "$(dirname "$0")/lib.bash"
if ! python3 -c 'import os; os.openpty()' 2>/dev/null; then
    echo "skip display.sh: no pseudo-terminal can be had here"
    exit 0
fi

cat >terminal.py <<'P'
"""Runs a command on a terminal of its own; what it wrote goes to `out`. Prints its exit status."""
import os, pty, sys, fcntl, termios, struct, signal, time
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
written, action = b"", sys.argv[1]
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data:
        break
    written += data
    if action == "resize" and b"2 of 2 trainers busy" in written:
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 40, 0, 0))
        if os.path.exists("hold"):
            os.remove("hold")
    if action == "interrupt" and b"2 of 2 trainers busy" in written and os.path.exists("hold"):
        os.write(master, b"\x03")
        time.sleep(0.05)
        os.remove("hold")
open("out", "wb").write(written)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
P
screen() { # ACTION ARGUMENT…
    local action=$1
    shift
    rc=$(TERM=xterm python3 terminal.py "$action" "$RUNG" "$@" 2>err)
}
spec s '"max_iter": 9' '{"hold": "hold"}'
touch hold
screen resize run s.json --db a.db
expect "a search on a terminal" 0 'of 2 trainers busy'
check "a bar per bracket and rung" grep -aq 'bracket 2  .*\[.*\[.*\[.*rung 0: ' out
check "calls done of planned" grep -aqE 'calls [0-9]+ of 69' out
check "redrawn in place" grep -aqE "$(printf '\033')\[[0-9]+A" out
check "coloured" grep -aq "$(printf '\033\[32m')" out
check "the cursor is shown as often as hidden" test "$(grep -ao '\[?25l' out | wc -l)" = "$(grep -ao '\[?25h' out | wc -l)"
check "no line over the width after the resize" python3 - <<'P'
import re
last = open("out", "rb").read().decode().split("\x1b[?25l")[-1].split("\x1b[?25h")[0]
lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line).strip("\r") for line in last.split("\n")]
assert lines and max(map(len, lines)) <= 40, lines
P
check "the leaderboard comes below" grep -aqE 'rank +model +score' out
NO_COLOR=1 screen resize run s.json --db b.db
expect "NO_COLOR" 0
check "not coloured" bash -c '! grep -aq "$(printf "\033\\[3[0-9]m")" out'
touch hold
screen interrupt run s.json --db c.db
expect "interrupted by Ctrl-C" 130 'rung resume c.db'
check "the cursor is back" test "$(grep -ao '\[?25[lh]' out | tail -n 1)" = '[?25h'
screen none run s.json --db d.db --quiet
expect "--quiet on a terminal" 0
check "nothing is drawn" test ! -s out
finish
