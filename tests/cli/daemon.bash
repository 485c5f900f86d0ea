# What the scripts about `rung serve` share, sourced after lib.bash: daemons in the background, ended with the script.

daemons=()
end_daemons() {
    local one
    for one in ${daemons[@]+"${daemons[@]}"}; do
        kill -9 "$one" 2>/dev/null
    done
    chmod -R u+rwX "$WORK"
    rm -rf "$WORK"
}
trap end_daemons EXIT

# Polls the command until it succeeds, at most 20 s.
until_true() {
    local i
    for ((i = 0; i < 800; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.025
    done
    echo "not in 20 s: $*"
    return 1
}

# [ARGUMENT…] of `rung serve`: starts it; $daemon is its process. Its words are in serve.out and serve.err, also later.
serve() {
    : >serve.err
    "$RUNG" serve "$@" >serve.out 2>serve.err </dev/null &
    daemon=$!
    daemons+=("$daemon")
    check "the daemon is there" until_true grep -q 'commands are taken at' serve.err
}

# Ends it by SIGTERM; $rc is its exit status.
end_daemon() {
    kill -TERM "$daemon"
    wait "$daemon"
    rc=$?
    daemons=()
}
