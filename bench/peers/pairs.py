# SPDX-License-Identifier: Apache-2.0
"""Two programs side by side, in alternating pairs. Each is a process that speaks the protocol of bench/serve.h.

A pair is ours, theirs, theirs, ours (ABBA), with a pause before each, as idle threads of the one before may go on waiting for work by turning round. A pair counts only when nobody else used the processors for more than a tenth of it. The statistic is the median
of the pairs' ratios with a bootstrap interval."""
import json
import os
import pathlib
import random
import statistics
import subprocess
import time

PAIRS, ATTEMPTS, SECONDS, PAUSE = 15, 40, 1.0, 0.3


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready", command

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def run(self, steps):
        time.sleep(PAUSE)
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


def steps_for(side):
    side.run(2)
    return max(1, round(SECONDS / (side.run(2) / 2)))


def measure_pairs(a, b):
    na, nb = steps_for(a), steps_for(b)
    ratios, speeds_a, speeds_b, discarded = [], [], [], 0
    while len(ratios) < PAIRS and discarded < ATTEMPTS:
        used, mine = busy(), own((a, b))
        times = [a.run(na), b.run(nb), b.run(nb), a.run(na)]
        foreign = (busy() - used) - (own((a, b)) - mine)
        if foreign > 0.1 * sum(times):  # what happened in the pauses counts against the pair, too
            discarded += 1
            continue
        speed_a, speed_b = 2 * na / (times[0] + times[3]), 2 * nb / (times[1] + times[2])
        ratios.append(speed_a / speed_b)
        speeds_a.append(speed_a)
        speeds_b.append(speed_b)
    return ratios, speeds_a, speeds_b, discarded


def summary(ratios, speeds_a, speeds_b, discarded):
    result = {"pairs": len(ratios), "discarded": discarded}
    if ratios:
        low, high = interval(ratios)
        result |= {"ratio": statistics.median(ratios), "low": low, "high": high, "per_s": statistics.median(speeds_a), "peer_per_s": statistics.median(speeds_b)}
    return result


def columns(result, suffix=""):
    """Ours, theirs and the ratio as cells of a table."""
    if not result["pairs"]:
        return "| | too noisy"
    return f"{result['per_s']:.2f} | {result['peer_per_s']:.2f}{suffix} | {result['ratio']:.2f} [{result['low']:.2f}-{result['high']:.2f}]"


def report(prefix, title, headings, names, compare, row, facts):
    """Compares every net and writes PREFIX.md, a table with a row for each, and PREFIX.json, which has everything."""
    cells = ["net", "ours", *headings]
    lines = [title, "", "| " + " | ".join(cells) + " |", "|---" * len(cells) + "|"]
    results = []
    for net in names:
        results.append(compare(net))
        lines.append(row(results[-1]))
        print(lines[-1], flush=True)
    pathlib.Path(prefix + ".md").write_text("\n".join(lines) + "\n")
    pathlib.Path(prefix + ".json").write_text(json.dumps(facts | {"results": results}) + "\n")
