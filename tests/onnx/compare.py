# SPDX-License-Identifier: Apache-2.0
"""Every model that onnx_nets wrote passes onnx.checker and gives in ONNX Runtime what it gave here: |a-b| <= 1e-4 max|b| per output.

    compare.py FOLDER"""
import pathlib
import sys

import numpy
import onnx
import onnxruntime

TYPES = {"f32": numpy.float32, "f64": numpy.float64, "i32": numpy.int32, "i64": numpy.int64, "u8": numpy.uint8, "bool": numpy.bool_}
folder = pathlib.Path(sys.argv[1])
failed = 0
models = sorted(folder.glob("*.onnx"))
for path in models:
    onnx.checker.check_model(str(path), full_check=True)
    tensors = {"input": {}, "output": {}}
    for line in path.with_suffix(".txt").read_text().splitlines():
        kind, file, name, dtype, *shape = line.split()
        tensors[kind][name] = numpy.fromfile(folder / file, TYPES[dtype]).reshape([int(n) for n in shape])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    results = dict(zip([o.name for o in session.get_outputs()], session.run(None, tensors["input"])))
    assert results.keys() == tensors["output"].keys(), (results.keys(), tensors["output"].keys())
    for name, want in tensors["output"].items():
        got = results[name]
        fine = got.shape == want.shape and got.dtype == want.dtype
        error = float(numpy.abs(got.astype(float) - want.astype(float)).max()) if fine else float("inf")
        limit = 1e-4 * max(float(numpy.abs(want.astype(float)).max()), 1e-30)
        print(f"{'ok    ' if error <= limit else 'FAILED'} {path.stem:12} {name:14} {error:.2e} of {limit:.2e}")
        failed += not error <= limit
print(f"{len(models)} models, {failed} outputs differ")
sys.exit(failed > 0 or not models)
