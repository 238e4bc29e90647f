# SPDX-License-Identifier: Apache-2.0
"""Training beside PyTorch: the same start, the same batches; first the losses are compared, then the speed in alternating pairs.

    train.py BUILD_FOLDER OUT_PREFIX [NET...]

PyTorch runs eagerly, in the better of contiguous and channels_last, with fused optimisers; both sides have all data in memory and the same number of threads.
A pair is ours, theirs, theirs, ours (ABBA). A pair counts only when nobody else used the processors for more than a tenth of it. The statistic is the median
of the pairs' ratios with a bootstrap interval. Writes OUT_PREFIX.md and OUT_PREFIX.json."""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
THREADS = 2
CURVE, STRICT = 100, 1e-4
PAIRS, ATTEMPTS, SECONDS = 15, 40, 1.0
NETS = {"mlp": (1.2, "MLP 784-512-512-10, batch 128"), "cnn": (1.2, "MNIST CNN, batch 128"), "resnet": (0.9, "ResNet-18 on 32x32, batch 128"), "gpt": (1.2, "GPT, 4 layers, 256 wide, T 128, batch 16")}


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready", command

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def run(self, steps):
        return float(self.ask(f"run {steps}")[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def busy():
    """Processor seconds used on this machine so far, by everybody."""
    fields = open("/proc/stat").readline().split()[1:]
    return sum(int(x) for i, x in enumerate(fields) if i not in (3, 4)) / os.sysconf("SC_CLK_TCK")


def own(sides):
    total = 0
    for side in sides:
        fields = open(f"/proc/{side.process.pid}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def interval(values, draws=2000):
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(draws))
    return medians[draws // 40], medians[-draws // 40]


def ours(build, net, folder):
    return Side([f"{build}/bench/bench_train", net, folder, str(THREADS)])


def theirs(net, folder, layout):
    return Side([sys.executable, str(HERE / "torch_train.py"), net, folder, str(THREADS), layout, "eager"])


def compare_curves(build, net, folder):
    a = ours(build, net, folder)
    b = theirs(net, folder, "contiguous")
    x, y = a.ask(f"losses {CURVE}"), b.ask(f"losses {CURVE}")
    a.close()
    b.close()
    return max(abs(float(p) - float(q)) / max(abs(float(q)), 1e-30) for p, q in zip(x, y))


def steps_for(side):
    side.run(2)
    return max(1, round(SECONDS / (side.run(2) / 2)))


def measure_pairs(a, b):
    na, nb = steps_for(a), steps_for(b)
    ratios, speeds_a, speeds_b, discarded = [], [], [], 0
    while len(ratios) < PAIRS and discarded < ATTEMPTS:
        start, used, mine = time.time(), busy(), own((a, b))
        times = [a.run(na), b.run(nb), b.run(nb), a.run(na)]
        foreign = (busy() - used) - (own((a, b)) - mine)
        if foreign > 0.1 * (time.time() - start):
            discarded += 1
            continue
        speed_a, speed_b = 2 * na / (times[0] + times[3]), 2 * nb / (times[1] + times[2])
        ratios.append(speed_a / speed_b)
        speeds_a.append(speed_a)
        speeds_b.append(speed_b)
    return ratios, speeds_a, speeds_b, discarded


def best_layout(net, folder):
    if net in ("mlp", "gpt"):
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
        result = {"net": net, "curve_steps": CURVE, "curve_worst_relative": compare_curves(build, net, folder)}
        layout = best_layout(net, folder)
        a, b = ours(build, net, folder), theirs(net, folder, layout)
        ratios, speeds_a, speeds_b, discarded = measure_pairs(a, b)
        peaks = int(a.ask("peak")[0]), int(b.ask("peak")[0])
        a.close()
        b.close()
    result |= {"layout": layout, "pairs": len(ratios), "discarded": discarded, "peak_bytes": peaks[0], "peer_peak_bytes": peaks[1], "peak_ratio": peaks[0] / peaks[1]}
    if ratios:
        low, high = interval(ratios)
        result |= {"ratio": statistics.median(ratios), "low": low, "high": high, "steps_per_s": statistics.median(speeds_a), "peer_steps_per_s": statistics.median(speeds_b)}
    return result


def main():
    import torch

    build, prefix, nets = sys.argv[1], sys.argv[2], sys.argv[3:] or list(NETS)
    lines = [f"Training against PyTorch {torch.__version__}, {THREADS} threads, f32. Speed: steps per second of ours over theirs, median of ABBA pairs [95 % interval].", "",
             "| net | ours | PyTorch | ratio | goal | pairs, discarded | losses of 100 steps differ by | peak memory |", "|---|---|---|---|---|---|---|---|"]
    results = []
    for net in nets:
        r = compare(build, net)
        results.append(r)
        speed = f"{r['steps_per_s']:.2f} | {r['peer_steps_per_s']:.2f} ({r['layout']}) | {r['ratio']:.2f} [{r['low']:.2f}-{r['high']:.2f}]" if r["pairs"] else "| | too noisy"
        lines.append(f"| {NETS[net][1]} | {speed} | {NETS[net][0]} | {r['pairs']}, {r['discarded']} | {r['curve_worst_relative']:.1e} | {r['peak_bytes'] / 1e6:.0f} / {r['peer_peak_bytes'] / 1e6:.0f} MB = {r['peak_ratio']:.2f} |")
        print(lines[-1], flush=True)
    pathlib.Path(prefix + ".md").write_text("\n".join(lines) + "\n")
    pathlib.Path(prefix + ".json").write_text(json.dumps({"torch": torch.__version__, "threads": THREADS, "results": results}) + "\n")


main()
