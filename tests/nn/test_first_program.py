"""A program as someone who knows PyTorch writes it: it runs as it stands."""

from __future__ import annotations

import numpy as np

PROGRAM = """
from npnn_cli import Tensor, no_grad, DataLoader, EarlyStopping
from npnn_cli.nn import Sequential, Linear, ReLU, Dropout, Conv2d, MaxPool2d, Flatten
from npnn_cli.optim import Adam
model = Sequential(Conv2d(1, 8, 3, padding=1), ReLU(), MaxPool2d(2), Conv2d(8, 16, 3, padding=1), ReLU(), MaxPool2d(2),
                   Flatten(), Linear(16*7*7, 32), ReLU(), Linear(32, 10))
optimizer = Adam(model.parameters(), lr=0.001)
for X, y in DataLoader(X_train, y_train, batch_size=64, shuffle=True):
    loss = ((model(Tensor(X)) - Tensor(y)) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_it_runs_and_the_loss_falls(monkeypatch):
    seeded = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed=0: seeded(seed))
    rng = seeded(1)
    names = {
        "X_train": rng.random((192, 1, 28, 28), dtype=np.float32),
        "y_train": np.eye(10, dtype=np.float32)[rng.integers(0, 10, 192)],
    }

    exec(PROGRAM, names)
    after_one_epoch = names["loss"].item()
    for _ in range(2):
        exec(PROGRAM[PROGRAM.index("for X, y") :], names)

    assert names["loss"].item() < 0.5 * after_one_epoch
    assert names["loss"].dtype == np.float32
