#!/usr/bin/python3
"""Writes optimizers.safetensors with PyTorch: that of tests/plugins/optimizer/*.c (support/follow.h).

    make_optimizer_fixtures.py [FOLDER]

Made with PyTorch 2.15. 1.13 (Debian's python3-torch) gives the same but for nadam, where its loop over
single tensors takes a factor of the momentum twice, and for `decoupled` of nadam and radam, which it
has not. Ten steps in double on a weight, which decays, and a bias, which does
not, of N elements each, with gradients

    hollow (w - centre) + noise[step]

    begin, hollow, centre, noise    float32 numbers, so that float starts from the same point
    CASE/weight, CASE/bias          values after each step, first axis 10

CASE is the optimizer's name, '-' and a number; its options and its rate are texts CASE and CASE/rate.
"""
import pathlib
import sys

import numpy as np
import torch

from make_fixtures import save

STEPS, N = 10, 6
o = torch.optim

# Of each case: optimizer and options in Tenon's config, rate, class and options in PyTorch.
CASES = [
    ("sgd", "{}", 0.1, o.SGD, {}),
    ("sgd", "{momentum: 0.9}", 0.1, o.SGD, dict(momentum=0.9)),
    ("sgd", "{momentum: 0.9, nesterov: true, weight_decay: 0.05}", 0.1, o.SGD,
     dict(momentum=0.9, nesterov=True, weight_decay=0.05)),
    ("sgd", "{momentum: 0.9, dampening: 0.3, weight_decay: 0.05}", 0.1, o.SGD,
     dict(momentum=0.9, dampening=0.3, weight_decay=0.05)),
    ("sgd", "{momentum: 0.5, dampening: 1}", 0.1, o.SGD, dict(momentum=0.5, dampening=1)),
    ("adam", "{}", 0.01, o.Adam, {}),
    ("adam", "{beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.05}", 0.02, o.Adam,
     dict(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05)),
    ("adamw", "{}", 0.01, o.AdamW, {}),
    ("adamw", "{beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.3}", 0.02, o.AdamW,
     dict(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3)),
    ("amsgrad", "{}", 0.01, o.Adam, dict(amsgrad=True)),
    ("amsgrad", "{beta1: 0.8, beta2: 0.6, epsilon: 1e-3, weight_decay: 0.05}", 0.02, o.Adam,
     dict(betas=(0.8, 0.6), eps=1e-3, weight_decay=0.05, amsgrad=True)),
    ("amsgrad", "{beta2: 0.6, weight_decay: 0.3, decoupled: true}", 0.02, o.AdamW,
     dict(betas=(0.9, 0.6), weight_decay=0.3, amsgrad=True)),
    ("nadam", "{}", 0.01, o.NAdam, {}),
    ("nadam", "{beta1: 0.8, beta2: 0.95, epsilon: 1e-3, momentum_decay: 0.3, weight_decay: 0.05}",
     0.02, o.NAdam, dict(betas=(0.8, 0.95), eps=1e-3, momentum_decay=0.3, weight_decay=0.05)),
    ("nadam", "{weight_decay: 0.3, decoupled: true}", 0.02, o.NAdam,
     dict(weight_decay=0.3, decoupled_weight_decay=True)),
    ("radam", "{}", 0.01, o.RAdam, {}),
    ("radam", "{beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.05}", 0.02, o.RAdam,
     dict(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05)),
    ("radam", "{beta2: 0.7, weight_decay: 0.3, decoupled: true}", 0.02, o.RAdam,
     dict(betas=(0.9, 0.7), weight_decay=0.3, decoupled_weight_decay=True)),
    ("adagrad", "{}", 0.1, o.Adagrad, {}),
    ("adagrad", "{lr_decay: 0.2, initial: 0.5, epsilon: 1e-3, weight_decay: 0.05}", 0.2, o.Adagrad,
     dict(lr_decay=0.2, initial_accumulator_value=0.5, eps=1e-3, weight_decay=0.05)),
    ("adadelta", "{}", 1.0, o.Adadelta, {}),
    ("adadelta", "{rho: 0.7, epsilon: 1e-3, weight_decay: 0.05}", 0.5, o.Adadelta,
     dict(rho=0.7, eps=1e-3, weight_decay=0.05)),
    ("rmsprop", "{}", 0.01, o.RMSprop, {}),
    ("rmsprop", "{alpha: 0.9, epsilon: 1e-3, weight_decay: 0.05}", 0.02, o.RMSprop,
     dict(alpha=0.9, eps=1e-3, weight_decay=0.05)),
    ("rmsprop", "{alpha: 0.9, momentum: 0.7}", 0.02, o.RMSprop, dict(alpha=0.9, momentum=0.7)),
    ("rmsprop", "{alpha: 0.9, centered: true}", 0.02, o.RMSprop, dict(alpha=0.9, centered=True)),
    ("rmsprop", "{alpha: 0.8, centered: true, momentum: 0.7, weight_decay: 0.05}", 0.02, o.RMSprop,
     dict(alpha=0.8, centered=True, momentum=0.7, weight_decay=0.05)),
]


def run(data, rate, make, options):
    start = [torch.from_numpy(data["begin"].astype(np.float64)) for _ in range(2)]
    weight, bias = (torch.nn.Parameter(v.clone()) for v in start)
    optimizer = make([{"params": [weight]}, {"params": [bias], "weight_decay": 0}], lr=rate,
                     **options)
    rows = {"weight": [], "bias": []}
    for step in range(STEPS):
        for p in (weight, bias):
            p.grad = (torch.from_numpy(data["hollow"].astype(np.float64)) *
                      (p.detach() - torch.from_numpy(data["centre"].astype(np.float64))) +
                      torch.from_numpy(data["noise"][step].astype(np.float64)))
        optimizer.step()
        rows["weight"].append(weight.detach().numpy().copy())
        rows["bias"].append(bias.detach().numpy().copy())
    return {name: np.stack(values) for name, values in rows.items()}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_default_dtype(torch.float64)  # of the product of momenta that NAdam keeps
    draw = np.random.default_rng(5)
    data = {"begin": draw.standard_normal(N), "hollow": draw.uniform(0.2, 3, N),
            "centre": draw.standard_normal(N), "noise": 0.3 * draw.standard_normal((STEPS, N))}
    data = {name: value.astype(np.float32) for name, value in data.items()}
    texts, tensors, count = {}, dict(data), {}
    for name, options, rate, make, theirs in CASES:
        count[name] = count.get(name, 0) + 1
        case = f"{name}-{count[name]}"
        texts[case], texts[case + "/rate"] = options, str(rate)
        for part, values in run(data, rate, make, theirs).items():
            tensors[f"{case}/{part}"] = values
    save(folder / "optimizers.safetensors", tensors, texts)


if __name__ == "__main__":
    main()
