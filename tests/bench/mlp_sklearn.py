"""Examples a second that scikit-learn's MLPClassifier.partial_fit trains in one thread's processor time: what
tests/bench/mlp.c measures, for comparison. Prints nothing but a remark where scikit-learn is missing."""
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
try:
    import numpy
    import sklearn
    from sklearn.neural_network import MLPClassifier
except ImportError:
    print("scikit-learn: not installed (Debian: python3-sklearn), no comparison")
    raise SystemExit(0)

NETS = [(24,), (12, 12), (6, 6, 6, 6), (4, 4, 4, 4, 4, 4), (12, 6, 3, 3)]
BATCHES = [32, 200, 512]
REPEATS = 5


def speed(x, y, hidden, batch, seconds):
    model = MLPClassifier(
        hidden_layer_sizes=hidden, batch_size=batch, solver="sgd", momentum=0.9, nesterovs_momentum=True, random_state=0
    )
    model.partial_fit(x, y, classes=numpy.unique(y))
    best = 0
    for _ in range(REPEATS):
        start, calls = time.process_time(), 0
        while calls == 0 or time.process_time() - start < seconds:
            model.partial_fit(x, y)
            calls += 1
        best = max(best, calls * len(x) / (time.process_time() - start))
    return best


random = numpy.random.RandomState(0)
x = random.normal(size=(8361, 6)).astype(numpy.float32)
y = random.randint(4, size=8361)
print(f"scikit-learn {sklearn.__version__}, NumPy {numpy.__version__}, the same calls; million examples a second")
print(f"{'hidden layers':<22s} batch 32  batch 200  batch 512")
for hidden in NETS:
    row = [speed(x, y, hidden, batch, 0.1) / 1e6 for batch in BATCHES]
    print(f"{str(list(hidden)).replace(' ', ''):<22s}{row[0]:8.2f}{row[1]:11.2f}{row[2]:11.2f}", flush=True)
x = random.uniform(size=(8192, 784)).astype(numpy.float32)
y = random.randint(10, size=8192)
print(f"784-256-10 at batch 256: {speed(x, y, (256,), 256, 0.5):.0f} examples a second")
