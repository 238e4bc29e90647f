# SPDX-License-Identifier: Apache-2.0
"""Training beside PyTorch: the same start, the same batches; first the losses are compared, then the speed in alternating pairs.

    train.py BUILD_FOLDER OUT_PREFIX [NET...]

PyTorch runs eagerly, in the better of contiguous and channels_last, with fused optimisers; both sides have all data in memory and the same number of threads.
Method: pairs.py. Writes OUT_PREFIX.md and OUT_PREFIX.json."""
import pathlib
import sys
import tempfile

from pairs import Side, columns, measure_pairs, report, steps_for, summary

HERE = pathlib.Path(__file__).parent
THREADS = 2
CURVE = 100
LAYOUTS = {"cnn", "resnet"}  # nets whose tensors may be channels_last
NETS = {"mlp": (1.2, "MLP 784-512-512-10, batch 128"), "cnn": (1.2, "MNIST CNN, batch 128"), "resnet": (0.9, "ResNet-18 on 32x32, batch 128"), "gpt": (1.2, "GPT, 4 layers, 256 wide, T 128, batch 16")}


def ours(build, net, folder):
    return Side([f"{build}/bench/bench_train", net, folder, str(THREADS)])


def theirs(net, folder, layout, threads=THREADS):
    return Side([sys.executable, str(HERE / "torch_train.py"), net, folder, str(threads), layout, "eager"])


def losses(side):
    values = [float(x) for x in side.ask(f"values {CURVE}")]
    side.close()
    return values


def worst(x, y):
    return max(abs(p - q) / max(abs(q), 1e-30) for p, q in zip(x, y))


def compare_curves(build, net, folder):
    """How far our losses are from PyTorch's, and PyTorch's from its own when it sums in another order: in the other layout, or on one thread where layouts are one."""
    mine = losses(ours(build, net, folder))
    peer = losses(theirs(net, folder, "contiguous"))
    other = losses(theirs(net, folder, "channels_last") if net in LAYOUTS else theirs(net, folder, "contiguous", 1))
    return {"curve_steps": CURVE, "curve_worst_relative": worst(mine, peer), "peer_curve_worst_relative": worst(other, peer)}


def best_layout(net, folder):
    if net not in LAYOUTS:
        return "contiguous"
    speed = {}
    for layout in ("contiguous", "channels_last"):
        side = theirs(net, folder, layout)
        n = steps_for(side)
        speed[layout] = max(n / side.run(n) for _ in range(3))
        side.close()
    return max(speed, key=speed.get)


def compare(build, net):
    with tempfile.TemporaryDirectory() as folder:
        result = {"net": net} | compare_curves(build, net, folder)
        layout = best_layout(net, folder)
        a, b = ours(build, net, folder), theirs(net, folder, layout)
        result |= summary(*measure_pairs(a, b))
        peaks = int(a.ask("peak")[0]), int(b.ask("peak")[0])
        a.close()
        b.close()
    return result | {"layout": layout, "peak_bytes": peaks[0], "peer_peak_bytes": peaks[1], "peak_ratio": peaks[0] / peaks[1]}


def row(r):
    differs = f"{r['curve_worst_relative']:.1e} ({r['peer_curve_worst_relative']:.1e})"
    memory = f"{r['peak_bytes'] / 1e6:.0f} / {r['peer_peak_bytes'] / 1e6:.0f} MB = {r['peak_ratio']:.2f}"
    goal, name = NETS[r["net"]]
    return f"| {name} | {columns(r, ' (' + r['layout'] + ')')} | {goal} | {r['pairs']}, {r['discarded']} | {differs} | {memory} |"


def main():
    import torch

    build, prefix, nets = sys.argv[1], sys.argv[2], sys.argv[3:] or list(NETS)
    title = f"Training against PyTorch {torch.__version__}, {THREADS} threads, f32. Speed: steps per second of ours over theirs, median of ABBA pairs [95 % interval]."
    headings = ["PyTorch", "ratio", "goal", "pairs, discarded", f"losses of {CURVE} steps differ by (PyTorch from itself)", "peak memory"]
    report(prefix, title, headings, nets, lambda net: compare(build, net), row, {"torch": torch.__version__, "threads": THREADS})


main()
