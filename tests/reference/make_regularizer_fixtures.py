#!/usr/bin/python3
"""Writes regularizers.safetensors with PyTorch: that of tests/plugins/regularizer/*.c and
tests/plugins/layer/activity.c (support/fixture.h).

    make_regularizer_fixtures.py [FOLDER]

Made with PyTorch 2.15; 1.13 (Debian's python3-torch) gives the same to 1e-14. Weights of several shapes,
(units, inputs, taps), lie one behind the other, here and in all cases:

    weights/shapes    int32, a row for each
    weights/w         float32 numbers, none of them 0, so that both precisions have the same
    weights/pull      as many, for gradients of a loss

A case REGULARIZER-NUMBER has its options as text CASE, and of these in double

    CASE/penalty      of each weight
    CASE/grad         by autograd; of the layer activity, whose samples are the units, that of
                      sum pull w + the mean of the penalty over samples
    CASE/moved        where a proximal step takes the weights, by steps of STEP
"""
import pathlib
import sys

import numpy as np
import torch
from torch.nn import functional as F

from make_fixtures import save

STEP = 0.3
SHAPES = [(1, 1, 1), (1, 7, 1), (7, 1, 1), (3, 5, 1), (6, 4, 1), (5, 5, 1), (9, 14, 1), (4, 3, 9),
          (2, 5, 3)]
# What is summed over in a group.
WITHIN = {"rows": (1, 2), "columns": (0, 2), "tensor": (0, 1, 2)}


def lengths(w, over):
    return w.pow(2).sum(WITHIN[over], keepdim=True).sqrt()


def group_lasso(strength, over):
    def penalty(w):
        each = lengths(w, over)
        return strength * (w.numel() / each.numel()) ** 0.5 * each.sum()
    return penalty


def orthogonal(strength):
    def penalty(w):
        flat = w.flatten(1)
        gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
        return strength * (gram - torch.eye(len(gram))).pow(2).sum()
    return penalty


def l1(strength):
    return lambda w: strength * w.abs().sum()


def l2(strength):
    return lambda w: strength / 2 * w.pow(2).sum()


def elastic_net(strength, ratio):
    return lambda w: l1(strength * ratio)(w) + l2(strength * (1 - ratio))(w)


def renorm(most, over):
    """torch.renorm, without the 1e-7 that it adds to lengths."""
    axis = {"rows": 0, "columns": 1}

    def move(w):
        moved = w * (most / lengths(w, over)).clamp(max=1)
        if over in axis:
            torch.testing.assert_close(moved, torch.renorm(w, 2, axis[over], most), rtol=1e-6,
                                       atol=0)
        return moved
    return move


def normalize(over):
    return lambda w: F.normalize(w, dim=WITHIN[over])


# Plugin, options in Tenon's config, penalty, proximal step.
CASES = [
    ("l2", "0.3", l2(0.3), None),
    ("l1", "0.7", l1(0.7), lambda w: F.softshrink(w, 0.7 * STEP)),
    ("l1", "{lambda: 1.5, threshold: hard}", None, lambda w: F.hardshrink(w, 1.5 * STEP)),
    ("elastic_net", "{lambda: 0.7, l1_ratio: 0.25}", elastic_net(0.7, 0.25),
     lambda w: F.softshrink(w, 0.7 * 0.25 * STEP) / (1 + 0.7 * 0.75 * STEP)),
    ("elastic_net", "{lambda: 2, l1_ratio: 0.9}", elastic_net(2, 0.9), None),
    *(("group_lasso", f"{{lambda: 0.7, over: {over}}}", group_lasso(0.7, over), None)
      for over in WITHIN),
    ("orthogonal", "0.05", orthogonal(0.05), None),
    *(("max_norm", f"{{max: {most}, over: {over}}}", None, renorm(most, over))
      for over, most in (("rows", 1.5), ("columns", 1.2), ("tensor", 3.0))),
    *(("unit_norm", f"{{over: {over}}}", None, normalize(over)) for over in WITHIN),
    ("activity", "{l1: 0.7}", l1(0.7), None),
    ("activity", "{l2: 0.3}", l2(0.3), None),
    ("activity", "{elastic_net: {lambda: 0.7, l1_ratio: 0.25}}", elastic_net(0.7, 0.25), None),
]


def results(name, penalty, move, w, pull):
    w = torch.from_numpy(w).double().requires_grad_()
    out = {}
    if penalty:
        value = penalty(w)
        goal = value
        if name == "activity":
            goal = (torch.from_numpy(pull).double() * w).sum() + value / len(w)
        goal.backward()
        out = {"penalty": value.detach().numpy(), "grad": w.grad.numpy()}
    if move:
        out["moved"] = move(w.detach()).numpy()
    return out


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    draw = np.random.default_rng(23)
    weights, pulls = ([draw.standard_normal(shape).astype(np.float32) for shape in SHAPES]
                      for _ in range(2))
    flat = lambda parts: np.concatenate([np.ravel(part) for part in parts])
    texts, count = {}, {}
    tensors = {"weights/shapes": np.array(SHAPES, np.int32), "weights/w": flat(weights),
               "weights/pull": flat(pulls)}
    for name, options, penalty, move in CASES:
        count[name] = count.get(name, 0) + 1
        case = f"{name}-{count[name]}"
        texts[case] = options
        all_of = [results(name, penalty, move, w, pull) for w, pull in zip(weights, pulls)]
        for part in all_of[0]:
            tensors[f"{case}/{part}"] = flat([r[part] for r in all_of])
    save(folder / "regularizers.safetensors", tensors, texts)


if __name__ == "__main__":
    main()
