#!/usr/bin/env python3
"""Writes lasso.safetensors with scikit-learn (made with 1.9): coefficients by coordinate descent, for
tests/core/regularizers.c.

    make_lasso_fixture.py [FOLDER]

x (samples x features; feature 1 is nearly feature 0), y (samples x 1) and z (samples x tasks) are float;
lasso, positive (lasso with coefficients >= 0), net (elastic net) and tasks (tasks x features, MultiTaskLasso)
are double. scikit-learn's loss is 1 / (2 samples) |x w - y|^2, half of Tenon's mse for one output: so its alpha
is half of lambda. No coefficient is close to the other side of zero.
"""
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file
from sklearn.linear_model import ElasticNet, Lasso, MultiTaskLasso

SAMPLES, FEATURES, TASKS = 60, 12, 3
ALPHA, NET_ALPHA, TASK_ALPHA, RATIO = 0.1, 0.2, 0.15, 0.5
EXACT = dict(fit_intercept=False, tol=1e-14, max_iter=1000000)


def is_clear(x, y, w, alpha):
    """Gradients of zeros stay well below alpha, other coefficients well away from zero."""
    g = x.T @ (x @ w - y) / len(x)
    size = lambda a: np.abs(a) if a.ndim == 1 else np.linalg.norm(a, axis=1)
    zero = size(w) == 0
    return zero.any() and size(g)[zero].max() < 0.97 * alpha and size(w)[~zero].min() > 0.01


def main():
    random = np.random.default_rng(8)
    x = random.normal(size=(SAMPLES, FEATURES)).astype(np.float32)
    x[:, 1] = x[:, 0] + 0.2 * x[:, 1]
    w = np.zeros(FEATURES)
    w[[0, 3, 5, 8]] = 1, -0.7, 0.4, 0.9
    y = (x @ w + 0.3 * random.normal(size=SAMPLES)).astype(np.float32)
    many = np.zeros((FEATURES, TASKS))
    many[[0, 3, 5]] = random.normal(size=(3, TASKS))
    z = (x @ many + 0.3 * random.normal(size=(SAMPLES, TASKS))).astype(np.float32)
    x64, y64, z64 = (a.astype(np.float64) for a in (x, y, z))

    lasso = Lasso(ALPHA, **EXACT).fit(x64, y64).coef_
    positive = Lasso(ALPHA, positive=True, **EXACT).fit(x64, y64).coef_
    net = ElasticNet(NET_ALPHA, l1_ratio=RATIO, **EXACT).fit(x64, y64).coef_
    tasks = MultiTaskLasso(TASK_ALPHA, **EXACT).fit(x64, z64).coef_
    assert is_clear(x64, y64, lasso, ALPHA) and is_clear(x64, z64, tasks.T, TASK_ALPHA)
    assert (lasso[:2] != 0).tolist() == [True, False] and (net[:2] > 0.1).all()
    assert (positive == 0).any() and (positive >= 0).all()
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    save_file({"x": x, "y": y[:, None].copy(), "z": z, "lasso": lasso, "positive": positive, "net": net,
               "tasks": np.ascontiguousarray(tasks)}, folder / "lasso.safetensors")
    for name, a in ("lasso", lasso), ("positive", positive), ("net", net), ("tasks", tasks):
        print(name, np.round(a, 4))


main()
