#!/bin/bash
# The matrix product by OpenBLAS's own choice of kernel and by rung-trainer's; then rung-trainer mlp
# beside it and beside scikit-learn, all on one thread and in one run.
set -eu
BENCH=${RUNG_BENCH:-build/tests/bench}
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
unset OPENBLAS_CORETYPE
echo "OpenBLAS's own choice:"
"$BENCH/mlp" gemm
echo "its kernel without AVX-512, which older versions give to processors that they do not know:"
OPENBLAS_CORETYPE=Haswell "$BENCH/mlp" gemm
echo "rung-trainer's choice:"
"$BENCH/mlp"
# Debian's own Python, which python3-sklearn belongs to, may hide behind another.
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || exit 0
"$python" tests/bench/mlp_sklearn.py
