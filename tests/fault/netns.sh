#!/bin/bash
# Workers on hosts of their own, whose links are cut, slow and lossy: the results of a local run, byte for byte.
. "$(dirname "$0")/lib.bash"
. "$FAULT/netns.bash"

RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}
echo "# RUNG_TEST_SEED=$RUNG_TEST_SEED"
trap 'net_stop; chmod -R u+rwX "$DIR" 2>/dev/null; rm -rf "$DIR"' EXIT
. "$FAULT/rounds.bash"
net_start "$ROUND_HOSTS" || { echo "skip all: ${NET_WHY:-no namespaces can be made here}"; exit 0; }

hosts_are_apart() {
    host_run 1 ip address show dev net0 | grep -q 10.77.1.2
    reaches 1
    link_down 1
    out_of_reach 1
    reaches 2
    link_up 1
    reaches 1
    link_unplug 1
    out_of_reach 1
    link_plug 1
    reaches 1
    link_forget 1
    reaches 1
    link_shape 1 50 0
    reaches 1
    out_of_reach 1 0.03
    link_shape 1 0 100
    out_of_reach 1
    link_shape 1 0 0
    reaches 1
}

# HOST [SECONDS]: a packet to the scheduler's host and back; nobody listens there, which its kernel answers at once
reaches() {
    host_run "$1" "$PYTHON" -S -E -c "
import socket, sys
try:
    socket.create_connection(('10.77.$1.1', 9), ${2:-5})
except ConnectionRefusedError:
    pass
except OSError:
    sys.exit(1)"
}

out_of_reach() { # HOST [SECONDS]
    if reaches "$1" "${2:-0.5}"; then return 1; fi
}

demo_local() {
    cp "$FAULT/../../examples/demo.json" demo.json
    rung 0 run demo.json --db demo.db --quiet
}

demo_on_hosts() { # NAME
    cp demo.json "$1.json"
    BEAT=5 all_start "$1"
    scheduler_ends "$1" 60
    recorded_once "$1"
    same_result "$1" demo
    same "4 remote" "$(sql "$1" "select count(distinct trainer) || ' ' || kind from trainers group by kind")" trainers
    same 0 "$(sql "$1" "select count(*) from failures")" failures
}

demo_on_good_links() {
    demo_on_hosts good
    for one in "${WORKERS[@]}"; do wait "$one"; done # they leave by themselves, well
}

demo_on_bad_links() {
    local i
    for i in 1 2 3 4; do link_shape $i $((i * 8)) 2; done
    demo_on_hosts bad
    for i in 1 2 3 4; do link_shape $i 0 0; done
    for one in "${WORKERS[@]}"; do killed "$one"; done
}

demo_round() {
    slow_demo slow 0.25
    round slow demo 0
}

# States are large beside what a link takes in one go, so that cuts fall into them.
SEARCH='"algorithm": "hyperband", "max_iter": 27, "seed": 5'
states_round() {
    run states_local "memory=0 state=300000" 0
    spec states "memory=0 state=300000 sleep=0.1"
    round states states_local 1
}

check hosts_are_apart hosts_are_apart
check a_local_run_to_compare_with demo_local
check four_hosts_give_the_same demo_on_good_links
check slow_and_lossy_links_change_nothing demo_on_bad_links
check cuts_and_kills_change_nothing demo_round
sed 's/^/# /' "$OUTCOME"
check cuts_and_kills_while_states_travel_change_nothing states_round
sed 's/^/# /' "$OUTCOME"
finish
