#!/usr/bin/python3
"""Trains a network in Tenon and in PyTorch, from the same weights, on the same batches, by the same
schedule, and compares what becomes of them (docs/results.md).

    bench/compare/compare.py EXPERIMENT --data PATH [--tenon PROGRAM] [--seeds N] [--threads N]

Tenon draws the initial weights (a run at learning rate 0) and writes them; PyTorch loads them. The
order of the samples is drawn a second time in data.py. Prints JSON lines: `curves`, the largest
relative differences of the loss over the epochs of a small data set, in float and in double; a
line for each seed; and `means`. Seconds are of processor time: Tenon's of the whole program,
PyTorch's of training alone, once it has its data.
"""
import argparse
import csv
import json
import math
import pathlib
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import yaml
from torch import nn
from torch.nn import functional as F

import data
import networks

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"

# ---- Tenon --------------------------------------------------------------------------------------


def tenon(given, *arguments):
    done = subprocess.run([given.tenon, *map(str, arguments), "--threads", str(given.threads)],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def train(given, config, sets, out):
    """The run's config as it was used, its table by columns, and its seconds of processor time."""
    before = processor_seconds()
    changes = [word for change in sets for word in ("--set", change)]
    tenon(given, "train", config, *changes, "--out", out)
    seconds = processor_seconds() - before
    with open(out / "metrics.csv", newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return (yaml.safe_load((out / "config.yaml").read_text()),
            {key: [row[key] for row in rows] for key in rows[0]}, seconds)


def read_model(path):
    content = path.read_bytes()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    kinds = {"F32": np.float32, "F64": np.float64}
    return {name: np.frombuffer(content[start + about["data_offsets"][0]:
                                        start + about["data_offsets"][1]],
                                kinds[about["dtype"]]).reshape(about["shape"])
            for name, about in json.loads(content[8:start]).items() if name != "__metadata__"}


# ---- PyTorch ------------------------------------------------------------------------------------


def plugin(section):
    """{name: options} or a bare name."""
    return next(iter(section.items())) if isinstance(section, dict) else (section, {})


def rate_at(section, share):
    if not isinstance(section, dict):
        return float(section)
    cosine = section["cosine"] if isinstance(section["cosine"], dict) else {
        "from": section["cosine"]}
    start, end = float(cosine["from"]), float(cosine.get("to", 0))
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def make_optimizer(net, config):
    """Biases and norms do not decay."""
    name, options = plugin(config["optimizer"])
    every = [p for p in net.parameters() if p.requires_grad]
    groups = [{"params": [p for p in every if p.ndim > 1],
               "weight_decay": float(options.get("weight_decay", 0))},
              {"params": [p for p in every if p.ndim < 2]}]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=1, momentum=float(options.get("momentum", 0)))
    return torch.optim.Adam(groups, lr=1)


class Torch:
    """A network, and its training as the config says."""

    def __init__(self, experiment, config, tensors, sets):
        self.config, self.loss = config, experiment.loss
        self.kind = torch.float64 if config["precision"] == "double" else torch.float32
        self.net = experiment.net()
        self.net.to(self.kind)
        networks.load(self.net, tensors)
        self.sets = {split: (self.tensor(x), self.tensor(y)) for split, (x, y) in sets.items()}
        self.batch = next(iter(config["data"].values()))["batch"]

    def tensor(self, array):
        made = torch.from_numpy(np.array(array))
        return made.to(self.kind if made.is_floating_point() else torch.int64)

    def evaluate(self, split):
        """Loss and share of right answers."""
        x, y = self.sets[split]
        total = right = 0
        self.net.eval()
        with torch.no_grad():
            for i in range(0, len(x), 256):
                out, target = self.net(x[i:i + 256]), y[i:i + 256]
                total += self.loss(out, target).item() * len(target)
                right += (out.argmax(-1) == target).double().mean().item() * len(target)
        return total / len(x), right / len(x)

    def epoch(self, optimizer, epoch, epochs, clip):
        x, y = self.sets[data.TRAIN]
        order = torch.from_numpy(data.epoch_order(self.config["seed"], epoch, len(x)))
        batches, total = order.split(self.batch), 0.0
        rate = plugin(self.config["optimizer"])[1]["lr"]
        self.net.train()
        for i, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(rate, (epoch + i / len(batches)) / epochs)
            optimizer.zero_grad()
            loss = self.loss(self.net(x[batch]), y[batch])
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(self.net.parameters(), clip)
            optimizer.step()
            total += loss.item() * len(batch)
        return total / len(x)

    def train(self):
        """The loss of each epoch, and seconds of processor time, with validation where Tenon has
        it."""
        epochs, optimizer = self.config["train"]["epochs"], make_optimizer(self.net, self.config)
        clip = next((plugin(g)[1] for g in self.config.get("gradient", [])), None)
        losses, start = [], time.process_time()
        for epoch in range(epochs):
            losses.append(self.epoch(optimizer, epoch, epochs, clip))
            if data.VALIDATION in self.sets:
                self.evaluate(data.VALIDATION)
        return losses, time.process_time() - start


# ---- experiments --------------------------------------------------------------------------------


def classes(out, target):
    return F.cross_entropy(out.flatten(0, -2), target.flatten())


class Experiment:
    """config, sets: of the run; calm: settings under which its curves stay together; net, loss: in
    PyTorch; prepare(given, folder, small): the settings that name the data, and the data;
    score(loss, accuracy): what is compared, on a split."""
    sets, calm, loss = [], [], staticmethod(F.mse_loss)
    name, split = "mean squared error", data.TEST

    def score(self, loss, accuracy):
        return loss


class Images(Experiment):
    """The first `train` and `test` images; 100 for the curves."""
    loss, name = staticmethod(classes), "test accuracy, %"

    def __init__(self, config, net, train, test, batch, sets, calm=()):
        self.config, self.net, self.train, self.test = config, net, train, test
        self.batch, self.sets, self.calm = batch, sets, calm

    def prepare(self, given, folder, small):
        data.first_images(given.data, folder / "images",
                          *((100, 10) if small else (self.train, self.test)))
        return ([f"data={{idx: {{path: {folder}/images, batch: {self.batch}, classes: 10}}}}"],
                data.images(folder / "images"))

    def score(self, loss, accuracy):
        return 100 * accuracy


class Text(Experiment):
    """The first characters of the file; fewer for the curves."""
    config, name, split = EXAMPLES / "characters-lstm.yaml", "bits per character", data.VALIDATION
    net, loss = staticmethod(networks.Characters), staticmethod(classes)

    def __init__(self, characters, batch, sets):
        self.characters, self.batch, self.sets = characters, batch, sets

    def prepare(self, given, folder, small):
        characters, steps, share = (1600, 32, 0) if small else (self.characters, 64, 0.1)
        text = pathlib.Path(given.data).read_text("utf-8")[:characters]
        (folder / "text").write_text(text, "utf-8")
        return ([f"data={{text: {{path: {folder}/text, steps: {steps}, batch: {self.batch}, "
                 f"validation_share: {share}}}}}"], data.text(folder / "text", steps, share))

    def score(self, loss, accuracy):
        return loss / math.log(2)


class Series(Experiment):
    config, name, split = EXAMPLES / "series-gru.yaml", "root mean squared error", data.VALIDATION

    def __init__(self, column, steps, share, layer, net, sets):
        self.column, self.steps, self.share, self.net = column, steps, share, net
        self.sets = [f"model.0={layer}", *sets]

    def prepare(self, given, folder, small):
        path = given.data
        if small:
            path = folder / "series"
            path.write_text("\n".join(
                pathlib.Path(given.data).read_text().splitlines()[:self.steps + 101]) + "\n")
        share = 0 if small else self.share
        found, self.deviation = data.series(path, self.column, self.steps, share)
        return ([f"data={{series: {{path: {path}, column: {self.column}, steps: {self.steps}, "
                 f"validation_share: {share}, batch: 16}}}}"], found)

    def score(self, loss, accuracy):
        return math.sqrt(loss) * self.deviation


class Adding(Experiment):
    config = EXAMPLES / "adding-lstm.yaml"

    def __init__(self, layer, net, sets=()):
        self.net, self.sets = net, [f"model.0={layer}", *sets]

    def prepare(self, given, folder, small):
        samples = 100 if small else 10000
        return [f"data.adding.samples={samples}"], data.adding(100, samples)


def recurrent(kind, features, units, **options):
    return lambda: networks.Sequence(kind(features, units, batch_first=True, **options))


EXPERIMENTS = {
    "mnist-cnn": Images(HERE / "mnist-cnn.yaml", networks.small_cnn, 60000, 10000, 64, []),
    "resnet20": Images(EXAMPLES / "fashion-mnist-resnet20.yaml", networks.image_resnet20, 60000, 10000, 64,
                       ["train.epochs=1"], ["optimizer.sgd.lr={cosine: 0.001}"]),
    "characters": Text(1115394, 64, ["train.epochs=2"]),
    "airline": Series("Passengers", 12, 1 / 3, "{rnn: {units: 32, nonlinearity: relu}}",
                      recurrent(nn.RNN, 1, 32, nonlinearity="relu"), ["train.epochs=100"]),
    "sunspots": Series("Sunspots", 24, 0.2, "{gru: 32}", recurrent(nn.GRU, 1, 32), []),
    "adding-lstm": Adding("{lstm: 64}", recurrent(nn.LSTM, 2, 64)),
    "adding-gru": Adding("{gru: 64}", recurrent(nn.GRU, 2, 64)),
    "adding-irnn": Adding("{rnn: {units: 100, nonlinearity: relu, "
                          "recurrent_initializer: identity}}",
                          recurrent(nn.RNN, 2, 100, nonlinearity="relu"),
                          ["optimizer.adam.lr={cosine: 1e-3}"]),
    "adding-tanh": Adding("{rnn: 100}", recurrent(nn.RNN, 2, 100),
                          ["optimizer.adam.lr={cosine: 1e-3}"]),
}

# ---- comparison ---------------------------------------------------------------------------------


def begin(given, experiment, folder, sets):
    """Tenon's initial weights: of a run over little data that changes none of them."""
    folder.mkdir()
    names, _ = experiment.prepare(given, folder, True)
    train(given, experiment.config, [*experiment.sets, *names, *sets,
                                     "optimizer={sgd: {lr: 0}}", "train.epochs=1"],
          folder / "run")
    return read_model(folder / "run" / "model.safetensors")


def both(given, experiment, folder, small, sets):
    """A run of Tenon: its table, its seconds; and PyTorch at the same start."""
    tensors = begin(given, experiment, folder / "start", sets)
    names, arrays = experiment.prepare(given, folder, small)
    config, table, seconds = train(given, experiment.config,
                                   [*experiment.sets, *names, *sets], folder / "run")
    return table, seconds, Torch(experiment, config, tensors, arrays)


def difference(a, b):
    return max(abs(x - y) / abs(y) for x, y in zip(a, b))


def curves(given, experiment, folder):
    """How far the losses are apart over the first 1, 5 and 20 epochs of little data."""
    for precision in ("float", "double"):
        (folder / precision).mkdir()
        table, _, other = both(given, experiment, folder / precision, True,
                               [*experiment.calm, "train.epochs=20", f"precision={precision}",
                                "seed=1"])
        losses, _ = other.train()
        yield precision, {n: difference(table["loss"][:n], losses[:n]) for n in (1, 5, 20)}


def run(given, experiment, folder, seed):
    folder.mkdir()
    table, our_seconds, other = both(given, experiment, folder, False, [f"seed={seed}"])
    losses, seconds = other.train()
    split = experiment.split
    told = json.loads(tenon(given, "evaluate", folder / "run", "--json", "--split",
                            {data.VALIDATION: "validation", data.TEST: "test"}[split]))
    return {"seed": seed,
            "tenon": experiment.score(told["loss"], told.get("accuracy", 0)),
            "torch": experiment.score(*other.evaluate(split)),
            "seconds": {"tenon": our_seconds, "torch": seconds},
            "losses": {"tenon": table["loss"], "torch": losses},
            "parameters": networks.count(other.net)}


def mean(values):
    """And its standard error."""
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def means(experiment, runs):
    ours, theirs = (mean([r[who] for r in runs]) for who in ("tenon", "torch"))
    error = math.hypot(ours[1], theirs[1])
    return {"what": experiment.name, "tenon": ours, "torch": theirs,
            "difference": ours[0] - theirs[0], "standard_error": error,
            "agrees": bool(abs(ours[0] - theirs[0]) < 2 * error),
            "seconds": {who: statistics.mean(r["seconds"][who] for r in runs)
                        for who in ("tenon", "torch")}}


def say(given, what, value):
    print(json.dumps({"experiment": given.experiment, what: value}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--data", help="folder of the images, or file of the text or series")
    parser.add_argument("--tenon", default="build/cli/tenon")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    experiment = EXPERIMENTS[given.experiment]
    with tempfile.TemporaryDirectory() as folder:
        for precision, found in curves(given, experiment, pathlib.Path(folder)):
            say(given, f"curves_{precision}", found)
        runs = []
        for seed in range(1, given.seeds + 1):
            runs.append(run(given, experiment, pathlib.Path(folder) / str(seed), seed))
            say(given, "run", runs[-1])
        if len(runs) > 1:
            say(given, "means", means(experiment, runs))


if __name__ == "__main__":
    main()
