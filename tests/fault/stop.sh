#!/bin/bash
# A trainer that does not leave when it is asked to.
. "$(dirname "$0")/lib.bash"

deaf() {
    TIMEOUT=20 COUNT=1 run deaf deaf 0
    same "" "$(for pid in $(awk '/^START/ { print $2 }' deaf.log); do ps -o pid= -p "$pid"; done)" "trainers left"
}
check stop_that_is_not_obeyed_ends_in_a_kill deaf

finish
