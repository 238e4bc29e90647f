# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime's side of the inference comparison; the protocol is that of bench/serve.h.

    ort_infer.py FOLDER THREADS

Reads net.onnx and input.bin, which bench_infer wrote, and writes peer.bin. All graph optimisations, values bound to memory once."""
import pathlib
import resource
import sys
import time

import numpy
import onnxruntime

folder, threads = pathlib.Path(sys.argv[1]), int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
session = onnxruntime.InferenceSession(str(folder / "net.onnx"), options, providers=["CPUExecutionProvider"])
x = session.get_inputs()[0]
dtype = {"tensor(float)": numpy.float32, "tensor(int32)": numpy.int32}[x.type]
data = numpy.fromfile(folder / "input.bin", dtype).reshape(x.shape)
y = session.run(None, {x.name: data})[0]
y.tofile(folder / "peer.bin")
binding = session.io_binding()
binding.bind_cpu_input(x.name, data)
binding.bind_output(session.get_outputs()[0].name, "cpu")
print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "run":
        begin = time.perf_counter()
        for _ in range(int(words[1])):
            session.run_with_iobinding(binding)
        print(f"{time.perf_counter() - begin:.6f} 0", flush=True)
    elif words[0] == "peak":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
