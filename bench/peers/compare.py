#!/usr/bin/python3
"""The network of examples/fashion-mnist.yaml in Tenon and in PyTorch, in turns on the same number
of threads: throughput of training steps on a batch in memory, and of whole epochs of a run.

    bench/peers/compare.py [--threads N] [--rounds N] [--epochs N] [--build FOLDER]

Prints JSON lines: for each benchmark and framework the median over the rounds with the lowest and
the highest, then the ratio Tenon / PyTorch, round by round, likewise. Without python3-torch it
says so and measures Tenon alone.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = "/usr/share/datasets/fashion-mnist"


def lines(command):
    """The JSON objects that a command prints."""
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def tenon(options):
    """{benchmark: samples a second}"""
    threads = str(options.threads)
    step = lines([os.path.join(options.build, "bench/bench_fashion_mnist"), threads])[0]
    found = {step["benchmark"]: step["median"]}
    if options.epochs:
        with tempfile.TemporaryDirectory() as folder:
            told = lines([os.path.join(options.build, "cli/tenon"), "train",
                          os.path.join(ROOT, "examples/fashion-mnist.yaml"), "--json",
                          "--threads", threads, "--out", os.path.join(folder, "run"),
                          "--set", f"train.epochs={options.epochs}",
                          "--set", f"data.fashion_mnist.path={options.data}"])
        found["fashion_mnist_epoch"] = statistics.median(
            one["samples_per_second"] for one in told if one["event"] == "epoch")
    return found


def torch(options):
    told = lines([sys.executable, os.path.join(ROOT, "bench/peers/fashion_mnist_torch.py"),
                  "--threads", str(options.threads), "--epochs", str(options.epochs),
                  "--data", options.data])
    return {one["benchmark"]: one["median"] for one in told if "median" in one}


def report(values, threads, **about):
    print(json.dumps({**about, "threads": threads, "rounds": len(values),
                      "median": round(statistics.median(values), 3),
                      "low": round(min(values), 3), "high": round(max(values), 3)}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="of each run; 0: steps only")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--data", default=DATA)
    options = parser.parse_args()
    peers = {"tenon": tenon}
    if importlib.util.find_spec("torch"):
        peers["torch"] = torch
    else:
        print("no PyTorch here (Debian's python3-torch): Tenon alone", file=sys.stderr)
    subprocess.run(["meson", "compile", "-C", options.build, "bench", "tenon:executable"],
                   stdout=subprocess.DEVNULL, check=True)
    rounds = {name: [] for name in peers}
    for _ in range(options.rounds):
        for name, measure in peers.items():
            rounds[name].append(measure(options))
    for benchmark in rounds["tenon"][0]:
        speed = {name: [one[benchmark] for one in told] for name, told in rounds.items()}
        for name, values in speed.items():
            report(values, options.threads, benchmark=benchmark, framework=name,
                   unit="samples/s")
        if "torch" in speed:
            report([a / b for a, b in zip(speed["tenon"], speed["torch"])], options.threads,
                   benchmark=benchmark, framework="tenon / torch", unit="ratio")


main()
