#!/bin/bash
# Memory of rung with 1,000 workers that are connected and have nothing to do, beside that of rung before they come.
set -u
BIN=${RUNG_BIN:-$PWD/bin}
BENCH=${RUNG_BENCH:-$PWD/build/tests/bench}
WORKERS=1000
WORK=$(mktemp -d) || exit 1
trap 'kill $RUNG $CROWD 2>/dev/null; rm -rf "$WORK"' EXIT
RUNG='' CROWD=''

memory() { # KEY: of rung, in MB
    awk -v key="$1:" '$1 == key { printf "%.1f", $2 / 1024 }' "/proc/$RUNG/status"
}

until_there() { # FILE TEXT
    local i
    for ((i = 0; i < 600; i++)); do
        grep -q "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "crowd: no \"$2\" in 30 s"
    cat "$1"
    return 1
}

# One job, for the one trainer here, which takes longer than this.
cat >"$WORK/one.json" <<END
{"name": "one", "trainer": {"command": ["sleep", "600"]}, "parameters": {"x": {"uniform": [0, 1]}},
 "search": {"algorithm": "random", "models": 1, "max_iter": 1}}
END
"$BIN/rung" key "$WORK/key" >/dev/null || exit 1
"$BIN/rung" run "$WORK/one.json" --db "$WORK/one.db" --trainers 1 --listen 127.0.0.1:0 --key "$WORK/key" --heartbeat 1 \
    >"$WORK/out" 2>"$WORK/err" </dev/null &
RUNG=$!
until_there "$WORK/err" "workers are taken" || exit 1
port=$(sed -n 's/.*workers are taken at port //p' "$WORK/err")
sleep 1
echo "rung run without workers: $(memory VmRSS) MB resident, of which $(memory RssAnon) MB are its own"
mkfifo "$WORK/hold"
"$BENCH/crowd" "$port" "$WORK/key" $WORKERS <"$WORK/hold" >"$WORK/crowd" 2>&1 &
CROWD=$!
exec {HOLD}>"$WORK/hold"
until_there "$WORK/crowd" there || exit 1
sleep 3 # some life signs
echo "… with $WORKERS connected and idle: $(memory VmRSS) MB, $(memory RssAnon) MB (peak $(memory VmHWM) MB)"
grep -v -e "workers are taken" -e "has joined" "$WORK/err"
exec {HOLD}>&-
