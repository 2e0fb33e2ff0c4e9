#!/usr/bin/python3
"""The network of examples/fashion-mnist.yaml in PyTorch: throughput of training steps on a batch
in memory, as bench/fashion_mnist.c measures it, and of whole epochs with --epochs.

    bench/peers/fashion_mnist_torch.py [--threads N] [--epochs N] [--data FOLDER]

Prints JSON lines like bench/harness.h. Needs python3-torch; nothing else in Tenon does.
"""
import argparse
import gzip
import json
import math
import os
import statistics
import time

import torch
from torch import nn

BATCH = 64


def network():
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 128),
                         nn.ReLU(), nn.Linear(128, 10))


def report(name, unit, seconds, work, threads):
    speed = [work / s for s in seconds]
    low, median, high = statistics.quantiles(speed, n=4) if len(speed) > 1 else speed * 3
    print(json.dumps({"benchmark": name, "framework": "torch " + torch.__version__, "unit": unit,
                      "threads": threads, "repeats": len(seconds), "median": round(median, 1),
                      "low": round(low, 1), "high": round(high, 1),
                      "microseconds": round(1e6 * statistics.median(seconds), 2)}), flush=True)


def steps(threads):
    x = torch.tensor([i * 37 % 256 / 255 for i in range(BATCH * 784)]).reshape(BATCH, 784)
    label = torch.arange(BATCH) % 10
    model, loss = network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def once():
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(x), label)
        value.backward()
        optimizer.step()
        return value.item()

    start = time.perf_counter()
    while time.perf_counter() - start < 0.3:
        once()
    seconds, begin = [], time.perf_counter()
    while len(seconds) < 5 or time.perf_counter() - begin < 1.5:
        start = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - start)
    report("fashion_mnist_step", "samples/s", seconds, BATCH, threads)


def idx(folder, name):
    with gzip.open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    head = 4 + 4 * data[3]
    return torch.frombuffer(bytearray(data[head:]), dtype=torch.uint8)


def epochs(folder, count, threads):
    x = idx(folder, "train-images-idx3-ubyte.gz").reshape(-1, 784).float() / 255
    label = idx(folder, "train-labels-idx1-ubyte.gz").long()
    x_test = idx(folder, "t10k-images-idx3-ubyte.gz").reshape(-1, 784).float() / 255
    label_test = idx(folder, "t10k-labels-idx1-ubyte.gz").long()
    torch.manual_seed(7)
    x, label = x[:54000], label[:54000]  # as many as validation: 0.1 leaves
    model, loss = network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    total, step, seconds = count * math.ceil(len(x) / BATCH), 0, []
    for _ in range(count):
        start = time.perf_counter()
        model.train()
        for batch in torch.randperm(len(x)).split(BATCH):
            cosine = 0.5 * (1 + math.cos(math.pi * step / total))
            optimizer.param_groups[0]["lr"] = 1e-5 + (1e-3 - 1e-5) * cosine
            optimizer.zero_grad(set_to_none=True)
            loss(model(x[batch]), label[batch]).backward()
            optimizer.step()
            step += 1
        seconds.append(time.perf_counter() - start)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == label_test).float().mean().item()
    report("fashion_mnist_epoch", "samples/s", seconds, len(x), threads)
    print(json.dumps({"benchmark": "fashion_mnist_run", "framework": "torch " + torch.__version__,
                      "epochs": count, "seconds": round(sum(seconds), 2),
                      "samples_per_second": round(count * len(x) / sum(seconds), 1),
                      "test_accuracy": round(accuracy, 4)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    steps(arguments.threads)
    if arguments.epochs:
        epochs(arguments.data, arguments.epochs, arguments.threads)


main()
