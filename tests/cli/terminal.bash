# To be read by tests of what is drawn on a terminal.

terminals() { # whether there can be any
    python3 -c 'import os; os.openpty()' 2>/dev/null
}

screen() { # ACTION ARGUMENT…: `rung` on a terminal; see terminal.py
    local action=$1
    shift
    rc=$(TERM=xterm python3 "$HERE/terminal.py" "$action" "$RUNG" "$@" 2>err)
}

# The last frame keeps to the terminal after it was made smaller.
within_the_terminal() {
    python3 - <<'P2'
import re
last = open("out", "rb").read().decode().split("\x1b[?25l")[-1].split("\x1b[?25h")[0]
lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line).strip("\r") for line in last.split("\n")]
assert lines and max(map(len, lines)) <= 40, lines
P2
}
