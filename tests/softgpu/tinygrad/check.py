# SPDX-License-Identifier: Apache-2.0
"""Runs tinygrad's operations on the GPU that its CUDA device finds, forward and backward, and compares with NumPy: check.py [--count N]; then trains a small CNN.

Run it as `pagoda gpu run -- python check.py`, with DEV=CUDA:PTX.
"""
import sys
import time

import numpy as np
from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.helpers import Context

from operations import OPERATIONS, make

np.seterr(all="ignore")


def close(got, expected, tol):
    got, expected = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return got.shape == expected.shape and np.allclose(got, expected, rtol=tol, atol=tol, equal_nan=True)


def slopes(numpy, arrays, weights, which):
    """d sum(weights * numpy(arrays)) / d arrays[which], by central differences."""
    at, step = arrays[which], 1e-5
    out = np.zeros_like(at)
    for i in np.ndindex(at.shape):
        kept = at[i]
        at[i] = kept + step
        above = (np.asarray(numpy(*arrays)) * weights).sum()
        at[i] = kept - step
        below = (np.asarray(numpy(*arrays)) * weights).sum()
        at[i] = kept
        out[i] = (above - below) / (2 * step)
    return out


def fetch(tensor):
    """A copy is made on the device first: views would be worked out by the host."""
    return tensor.clone().realize().numpy()


def check(name, tiny, numpy, inputs, grad, tol):
    rng = np.random.default_rng(sum(name.encode()))
    arrays = [make(spec, rng) for spec in inputs]
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    tensors = [Tensor(a).realize() for a in arrays]
    expected = np.asarray(numpy(*wide))
    got = tiny(*tensors)
    if not close(fetch(got), expected, tol): return f"{name}: gives\n{fetch(got)}\nexpected\n{expected}"
    if not grad: return None
    weights = rng.normal(size=expected.shape)
    scale = Tensor(weights.astype(np.float32)).realize()
    gradients = (tiny(*tensors) * scale).sum().gradient(*tensors)
    for k, gradient in enumerate(gradients):
        numeric = slopes(numpy, wide, weights, k)
        if not close(fetch(gradient), numeric, max(tol, 2e-4)): return f"{name}: gradient by input {k} is\n{fetch(gradient)}\nexpected\n{numeric}"
    return None


class Net:
    def __init__(self):
        self.first, self.second, self.last = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3), nn.Linear(8, 3)

    def __call__(self, x):
        return self.last(self.second(self.first(x).relu().max_pool2d(2)).relu().flatten(1))


def train():
    """Three kinds of 8 x 8 pictures, with a bright stripe each; the steps are replayed as a CUDA graph."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 24)
    pictures = rng.normal(size=(24, 1, 8, 8)).astype(np.float32) * 0.3
    for i in range(24): pictures[i, 0, 2 * labels[i]:2 * labels[i] + 2] += 2
    Tensor.manual_seed(0)
    net = Net()
    optimizer = nn.optim.SGD(nn.state.get_parameters(net), lr=0.1)
    x, y = Tensor(pictures), Tensor(labels.astype(np.int32))

    @TinyJit
    def step():
        with Context(TRAINING=1):
            optimizer.zero_grad()
            loss = net(x).sparse_categorical_crossentropy(y).backward()
            optimizer.step()
            return loss.realize()

    losses = [step().item() for _ in range(30)]
    right = int((net(x).argmax(axis=1) == y).sum().item())
    print(f"small CNN: loss {losses[0]:.3f} to {losses[-1]:.3f}, {right} of 24 right")
    return losses[-1] < 0.2 * losses[0] and right == 24


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[1] == "--count" else len(OPERATIONS)
    if Device.DEFAULT != "CUDA":
        print(f"tinygrad uses {Device.DEFAULT}; set DEV=CUDA:PTX")
        return 2
    every = max(1, len(OPERATIONS) // count)
    chosen = OPERATIONS[::every][:count]
    start, failed = time.time(), 0
    for row in chosen:
        try: wrong = check(*row)
        except Exception as error: wrong = f"{row[0]}: {type(error).__name__}: {error}"
        if wrong is not None:
            failed += 1
            print(wrong)
    print(f"{len(chosen) - failed} of {len(chosen)} operations agree with NumPy, {time.time() - start:.0f} s")
    trained = count < len(OPERATIONS) or train()
    return 0 if failed == 0 and trained else 1


if __name__ == "__main__": sys.exit(main())
