#!/bin/bash
# make bench: prints the machine, then each figure beside the baseline measured in the same run.
set -u
cd "$(dirname "$0")/../.." || exit 1
BIN=${RUNG_BIN:-$PWD/bin}
BENCH=${RUNG_BUILD:-$PWD/build}/tests/bench
export RUNG_BIN=$BIN RUNG_BENCH=$BENCH
export OPENBLAS_NUM_THREADS=1 # as rung has it

echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), $(uname -sr)"
echo "versions: $("$BIN/rung" --version), $(gcc --version | head -n 1), SQLite $(pkg-config --modversion sqlite3), libevent $(pkg-config --modversion libevent), OpenSSL $(pkg-config --modversion openssl), OpenBLAS $(pkg-config --modversion openblas)"

status=0
bench() { # TITLE COMMAND…
    printf '\n## %s\n' "$1"
    shift
    "$@" || { echo "FAILED: $*"; status=1; }
}

bench "Jobs through rung run" tests/bench/dispatch.sh
bench "Jobs through workers" tests/bench/workers.sh
bench "Jobs through a daemon" "$BENCH/daemon"
bench "States between machines" "$BENCH/state"
bench "A thousand idle workers" tests/bench/crowd.sh
bench "Core" "$BENCH/core"
bench "Simulation" "$BENCH/simulate"
bench "Forecasts" "$BENCH/refit"
bench "Forecasts against searches" tests/bench/forecast.py
bench "Store" "$BENCH/store"
bench "Replay" "$BENCH/replay"
bench "Matrix products and rung-trainer mlp" tests/bench/mlp.sh
bench "Four circles against random search" tests/bench/four_circles.sh
exit $status
