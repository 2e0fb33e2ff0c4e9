#!/usr/bin/python3
"""Writes schedules.safetensors with PyTorch: that of tests/plugins/schedule/*.c (support/timing.h).

    make_schedule_fixtures.py [FOLDER]

Made with PyTorch 2.15; 1.13 (Debian's python3-torch) gives the same bits. A case SCHEDULE-NUMBER has
its options as text CASE, and as text CASE/stride the updates from one of its values to the next, of
which an epoch has 10:

    CASE            rates, double; of reduce_on_plateau the last one is that after all it watched
    CASE/watched    of reduce_on_plateau: the number that it is told at the end of each epoch
"""
import pathlib
import sys

import numpy as np
import torch
from torch.optim import lr_scheduler as s

from make_fixtures import save

EPOCH = 10
texts, tensors, count = {}, {}, {}


def optimizer(rate):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)


def rates(rate, makers, n, key="lr"):
    o = optimizer(rate)
    schedulers = [make(o) for make in makers]
    values = []
    for _ in range(n):
        values.append(o.param_groups[0][key])
        o.step()
        for scheduler in schedulers:
            scheduler.step()
    return values


def add(name, options, stride, values, watched=None):
    count[name] = count.get(name, 0) + 1
    case = f"{name}-{count[name]}"
    texts[case], texts[case + "/stride"] = options, str(stride)
    tensors[case] = np.array(values)
    if watched is not None:
        tensors[case + "/watched"] = np.array(watched)


def both(name, options, rate, makers, n):
    """In epochs and in steps, whichever UNIT in the options is."""
    values = rates(rate, makers if isinstance(makers, list) else [makers], n)
    add(name, options.replace("UNIT", "epochs"), EPOCH, values)
    add(name, options.replace("UNIT", "steps"), 1, values)


for every, factor in ((3, 0.5), (1, 0.93), (7, 1.5)):
    both("step", f"{{from: 0.1, every: {every}, factor: {factor}, unit: UNIT}}", 0.1,
         lambda o: s.StepLR(o, every, factor), 30)
for at, factor in (([2, 5], 0.5), ([1, 4, 9, 16], 0.3), ([10], 0.1)):
    both("multi_step", f"{{from: 0.1, at: {at}, factor: {factor}, unit: UNIT}}", 0.1,
         lambda o: s.MultiStepLR(o, at, factor), 20)
for factor in (0.9, 0.5, 1.05):
    both("exponential", f"{{from: 0.1, factor: {factor}, unit: UNIT}}", 0.1,
         lambda o: s.ExponentialLR(o, factor), 30)
for length, power in ((5, 2.0), (20, 0.9), (12, 1.0), (25, 3.0)):
    both("polynomial", f"{{from: 0.1, power: {power}, UNIT: {length}}}", 0.1,
         lambda o: s.PolynomialLR(o, length, power), 30)
for begin, end, length in ((0.1, 0.01, 7), (0.3, 0.0, 25), (0.001, 0.1, 12)):
    both("cosine", f"{{from: {begin}, to: {end}, UNIT: {length}}}", begin,
         lambda o: s.CosineAnnealingLR(o, length, end), length + 1)

for begin, end, length, grow in ((0.1, 0.01, 3, 1), (0.1, 0.01, 2, 2), (0.3, 0.0, 1, 3),
                                 (0.5, 0.001, 5, 1)):
    options = f"{{from: {begin}, to: {end}, UNIT: {length}, grow: {grow}}}"
    restarts = lambda o: s.CosineAnnealingWarmRestarts(o, length, grow, end)
    both("cosine_restarts", options, begin, restarts, 30)
    o, values = optimizer(begin), []
    scheduler = restarts(o)
    for step in range(8 * EPOCH):
        scheduler.step(step / EPOCH)
        values.append(o.param_groups[0]["lr"])
    add("cosine_restarts", options.replace("UNIT", "epochs"), 1, values)

for n, rise, divide, more in ((20, 0.3, 25, 1e4), (57, 0.1, 10, 100), (40, 0.45, 4, 1e3)):
    for anneal in ("cosine", "linear"):
        for phases in (False, True):
            cycle = lambda o: s.OneCycleLR(
                o, 0.1, n, pct_start=rise, div_factor=divide, final_div_factor=more,
                anneal_strategy=anneal[:6].replace("cosine", "cos"), three_phase=phases)
            end = f"from: {0.1 / divide!r}, to: {0.1 / divide / more!r}, " if divide != 25 else ""
            way = f"rise: {rise}, anneal: {anneal}, three_phase: {str(phases).lower()}, steps: {n}"
            add("one_cycle", f"{{peak: 0.1, {end}{way}}}", 1, rates(0.1, [cycle], n))
            add("one_cycle", f"{{peak: 0.85, from: 0.95, to: 0.95, {way}}}", 1,
                rates(0.1, [cycle], n, "momentum"))

for first, length in ((0.1, 5), (1 / 3, 12)):
    ramp = lambda o: s.LinearLR(o, first, 1.0, length)
    for inner, maker in (
            ("0.1", []),
            ("{cosine: {from: 0.1, UNIT: 20}}", [lambda o: s.CosineAnnealingLR(o, 20)]),
            ("{step: {from: 0.1, every: 4, factor: 0.5, unit: UNIT}}",
             [lambda o: s.StepLR(o, 4, 0.5)]),
            ("{exponential: {from: 0.1, factor: 0.9, unit: UNIT}}",
             [lambda o: s.ExponentialLR(o, 0.9)])):
        both("warmup", f"{{UNIT: {length}, from: {first!r}, schedule: {inner}}}", 0.1,
             [ramp] + maker, 20)

both("piecewise", "{at: [0, 4, 8, 12, 16], values: [0.1, 0.5, 0.1, 0.5, 0.1], unit: UNIT}", 0.1,
     lambda o: s.CyclicLR(o, 0.1, 0.5, 4, cycle_momentum=False), 17)
both("piecewise", "{at: [0, 3, 10, 13, 20], values: [0.2, 0.8, 0.2, 0.8, 0.2], unit: UNIT}", 0.2,
     lambda o: s.CyclicLR(o, 0.2, 0.8, 3, 7, cycle_momentum=False), 21)
both("piecewise", "{at: [0, 9], values: [0.1, 0.02], unit: UNIT}", 0.1,
     lambda o: s.LinearLR(o, 1.0, 0.2, 9), 15)
both("piecewise", "{at: [0, 6], values: [0.05, 0.1], between: constant, unit: UNIT}", 0.1,
     lambda o: s.ConstantLR(o, 0.5, 6), 15)


def stalling(draw, n, low, high):
    """Falls and stays, with noise, in small steps that often repeat a value."""
    values = high + (low - high) * (1 - np.exp(-np.arange(n) / 8)) * np.sign(draw.random(n) - 0.1)
    return np.round(values + 0.03 * (high - low) * draw.standard_normal(n), 2)


PLATEAUS = [
    # options in Tenon's config, range of what is watched, options in PyTorch
    ("patience: 2", (0.2, 1.5), dict(patience=2)),
    ("patience: 1, cooldown: 2, factor: 0.5", (0.2, 1.5), dict(patience=1, cooldown=2, factor=0.5)),
    ("patience: 0, factor: 0.3, min: 0.005, threshold: 0.1", (0.2, 1.5),
     dict(patience=0, factor=0.3, min_lr=0.005, threshold=0.1)),
    ("patience: 1, threshold: 0.2, threshold_mode: abs, factor: 0.5", (0.2, 1.5),
     dict(patience=1, threshold=0.2, threshold_mode="abs", factor=0.5)),
    ("patience: 1, threshold: 0.05, threshold_mode: abs, cooldown: 3", (-2.0, -1.0),
     dict(patience=1, threshold=0.05, threshold_mode="abs", cooldown=3)),
    ("patience: 0, threshold: 0.005, factor: 0.7", (-2.0, -1.0),
     dict(patience=0, threshold=0.005, factor=0.7)),
    ("monitor: loss, mode: max, patience: 2, factor: 0.5", (0.9, 0.1),
     dict(mode="max", patience=2, factor=0.5)),
    ("monitor: score, patience: 2, factor: 0.5", (0.9, 0.1),
     dict(mode="max", patience=2, factor=0.5)),
    ("monitor: score, mode: min, patience: 2, factor: 0.5", (0.2, 1.5),
     dict(patience=2, factor=0.5)),
    ("monitor: score, threshold: 0.03, patience: 1, cooldown: 1, min: 0.01", (0.9, 0.1),
     dict(mode="max", threshold=0.03, patience=1, cooldown=1, min_lr=0.01)),
    ("monitor: score, threshold: 0.02, threshold_mode: abs, patience: 1, factor: 0.6", (0.9, 0.1),
     dict(mode="max", threshold=0.02, threshold_mode="abs", patience=1, factor=0.6)),
    ("monitor: score, threshold: 2, threshold_mode: abs, patience: 3, factor: 0.6", (90.0, 10.0),
     dict(mode="max", threshold=2, threshold_mode="abs", patience=3, factor=0.6)),
    ("monitor: score, threshold: 0.1, patience: 1, factor: 0.8", (-0.2, -3.0),
     dict(mode="max", threshold=0.1, patience=1, factor=0.8)),
]
draw = np.random.default_rng(11)
for options, (low, high), theirs in PLATEAUS:
    watched, values = stalling(draw, 40, low, high), []
    o = optimizer(0.1)
    scheduler = s.ReduceLROnPlateau(o, eps=0, **theirs)
    for value in watched:
        values.append(o.param_groups[0]["lr"])
        scheduler.step(float(value))
    values.append(o.param_groups[0]["lr"])
    add("reduce_on_plateau", f"{{from: 0.1, {options}}}", EPOCH, values, watched)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    save(folder / "schedules.safetensors", tensors, texts)


if __name__ == "__main__":
    main()
