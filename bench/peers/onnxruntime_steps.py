#!/usr/bin/env python3
"""The inference workloads of bench/workloads.c in onnxruntime, on networks that torch_steps.py
has exported.

    bench/peers/onnxruntime_steps.py NAME --model FILE [--threads N] [--seconds S] [--serve]
"""
import measure

SHAPES = {"W1inf": (100, 12288), "W3inf": (64, 784), "W5inf": (32, 3, 64, 64),
          "W5bninf": (32, 3, 64, 64), "W5oneinf": (1, 3, 64, 64), "W7inf": (1, 12288),
          "W6lstminf": (32, 4096), "W6gruinf": (32, 4096), "W9inf": (128, 256)}
given = measure.arguments(__doc__.split("\n\n")[0], list(SHAPES), {"": [""]})
measure.start_again(given.threads)

import numpy  # noqa: E402 - its libraries read the environment
import onnxruntime  # noqa: E402


def main():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = given.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    x = numpy.random.default_rng(1).uniform(-1, 1, SHAPES[given.workload]).astype("float32")
    measure.forget_peak()
    base = measure.memory("VmRSS:")
    session = onnxruntime.InferenceSession(given.model, options,
                                           providers=["CPUExecutionProvider"])
    measure.run(given, "onnxruntime " + onnxruntime.__version__,
                lambda: session.run(None, {"x": x}), base)


main()
