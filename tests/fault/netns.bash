# Hosts of their own for workers: network namespaces, and a link from each to the scheduler's, which has number 0.
# Sourced after lib.bash. Nothing of it is outside these namespaces, and their names have the number of this process,
# so any number of tests may run at once. What runs on hosts is ended, and they are removed, when the test ends.
#
#   net_start N             hosts 1 … N; NET_WHY says why not. Links are quick and whole at first
#   net_address I           the scheduler's address as host I sees it
#   host_run I COMMAND…     runs it there, and waits for it
#   host_start I COMMAND…   starts it there; HOST_PID is its process. Redirections are the caller's
#   link_down I, link_up I  nothing comes through, and neither end is told; as before
#   link_unplug I, link_plug I   the host's device goes down, with its route; as before
#   link_forget I           connections that go through it are reset when something is sent on them
#   link_shape I MS PERCENT  delay of a packet, one way; how many are lost
#   net_stop
#
# No tc: kernels for containers often lack netem. A program carries the packets, links.py.

NET=rung-$BASHPID
NET_HOSTS=-1 # number of the last one that was made
NET_WHY=
NET_CARRIER=
NET_TEMPORARY=

net_start() { # COUNT
    local i names=()
    [ "$(id -u)" = 0 ] || { NET_WHY="not root, who alone may make network namespaces"; return 1; }
    command -v ip >/dev/null || { NET_WHY="there is no ip program (iproute2)"; return 1; }
    [ -c /dev/net/tun ] || { NET_WHY="there is no /dev/net/tun"; return 1; }
    for ((i = 0; i <= $1; i++)); do
        NET_WHY=$(ip netns add "$NET-$i" 2>&1) || { NET_WHY="network namespaces are not permitted: $NET_WHY"; return 1; }
        NET_HOSTS=$i
        names+=("$NET-$i")
        ip -n "$NET-$i" link set lo up
    done
    NET_TEMPORARY=$(mktemp -d "${TMPDIR:-/tmp}/rung-net-XXXXXX") || return 1
    mkfifo "$NET_TEMPORARY/orders"
    exec {NET_ORDERS}<>"$NET_TEMPORARY/orders"
    "$PYTHON" -S -E "$FAULT/links.py" "${RUNG_TEST_SEED:-1}" "${names[@]}" <&$NET_ORDERS >"$NET_TEMPORARY/said" 2>&1 &
    NET_CARRIER=$!
    until_true grep -q ready "$NET_TEMPORARY/said" >/dev/null || {
        NET_WHY="devices cannot be made: $(tail -n 1 "$NET_TEMPORARY/said")"
        return 1
    }
    for ((i = 1; i <= $1; i++)); do
        ip -n "$NET-0" address add "10.77.$i.1" peer "10.77.$i.2" dev "host$i"
        ip -n "$NET-0" link set "host$i" up
        ip -n "$NET-$i" address add "10.77.$i.2" peer "10.77.$i.1" dev net0
        ip -n "$NET-$i" link set net0 up
    done
}

net_address() { # HOST
    echo "10.77.$1.1"
}

host_run() { # HOST COMMAND…
    ip netns exec "$NET-$1" "${@:2}"
}

host_start() { # HOST COMMAND…: ip becomes the command, so its process is the command's
    exec ip netns exec "$NET-$1" "${@:2}" {NET_ORDERS}>&- &
    HOST_PID=$!
}

link_down() { # HOST
    echo "$1 down" >&"$NET_ORDERS"
}

link_up() { # HOST
    echo "$1 up" >&"$NET_ORDERS"
}

link_forget() { # HOST
    echo "$1 forget" >&"$NET_ORDERS"
}

link_shape() { # HOST MILLISECONDS PERCENT
    echo "$1 shape $2 $3" >&"$NET_ORDERS"
}

link_unplug() { # HOST
    ip -n "$NET-$1" link set net0 down
}

link_plug() { # HOST
    ip -n "$NET-$1" link set net0 up
}

net_stop() {
    local i pids
    [ -z "$NET_CARRIER" ] || { kill "$NET_CARRIER" && wait "$NET_CARRIER"; } 2>/dev/null
    for ((i = NET_HOSTS; i >= 0; i--)); do
        while pids=$(ip netns pids "$NET-$i" 2>/dev/null) && [ -n "$pids" ]; do
            # shellcheck disable=SC2086
            kill -9 $pids 2>/dev/null
        done
        ip netns delete "$NET-$i" 2>/dev/null
    done
    [ -z "$NET_TEMPORARY" ] || rm -rf "$NET_TEMPORARY"
    NET_CARRIER="" NET_TEMPORARY="" NET_HOSTS=-1
}
