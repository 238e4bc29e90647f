# SPDX-License-Identifier: Apache-2.0
"""Inference beside ONNX Runtime: the same network (exported by us), the same input, one sample at a time; first the outputs are compared, then the speed.

    infer.py BUILD_FOLDER OUT_PREFIX [NET...]

Method: pairs.py. Writes OUT_PREFIX.md and OUT_PREFIX.json."""
import pathlib
import sys
import tempfile

import numpy
import onnxruntime
from pairs import Side, columns, measure_pairs, report, summary

HERE = pathlib.Path(__file__).parent
THREADS, GOAL, STRICT = 2, 0.7, 1e-4
NETS = {"resnet50": "ResNet-50, 224x224", "mobilenet": "MobileNetV2, 224x224", "bert": "BERT, 4 layers, 512 wide, 128 symbols", "vit": "ViT, 12 layers, 384 wide, 196 patches"}


def compare(build, net):
    with tempfile.TemporaryDirectory() as folder:
        ours = Side([f"{build}/bench/bench_infer", net, folder, str(THREADS)])
        theirs = Side([sys.executable, str(HERE / "ort_infer.py"), folder, str(THREADS)])
        a, b = (numpy.fromfile(f"{folder}/{name}.bin", numpy.float32) for name in ("output", "peer"))
        difference = float(abs(a - b).max() / abs(b).max())
        if not difference <= STRICT:
            sys.exit(f"{net}: the outputs differ by {difference:.1e} of the largest; {STRICT} is allowed")
        result = summary(*measure_pairs(ours, theirs))
        peaks = int(ours.ask("peak")[0]), int(theirs.ask("peak")[0])
        ours.close()
        theirs.close()
    return {"net": net, "difference": difference} | result | {"peak_bytes": peaks[0], "peer_peak_bytes": peaks[1]}


def row(r):
    memory = f"{r['peak_bytes'] / 1e6:.0f} / {r['peer_peak_bytes'] / 1e6:.0f} MB"
    return f"| {NETS[r['net']]} | {columns(r)} | {GOAL} | {r['pairs']}, {r['discarded']} | {r['difference']:.1e} | {memory} |"


def main():
    build, prefix, nets = sys.argv[1], sys.argv[2], sys.argv[3:] or list(NETS)
    title = f"Inference against ONNX Runtime {onnxruntime.__version__}, {THREADS} threads, f32, one sample at a time. Speed: samples per second of ours over theirs, median of ABBA pairs [95 % interval]."
    headings = ["ONNX Runtime", "ratio", "goal", "pairs, discarded", "outputs differ by", "peak memory"]
    report(prefix, title, headings, nets, lambda net: compare(build, net), row, {"onnxruntime": onnxruntime.__version__, "threads": THREADS})


main()
