#!/usr/bin/python3
"""Writes losses.safetensors, the fixture of loss_torch (tests/support/loss_torch.h), with PyTorch
(made with 1.13, Debian's python3-torch).

    make_loss_fixtures.py [FOLDER]

A case LOSS-WHAT is a dense layer without bias and a loss behind it; its text is the loss as Tenon's
config has it. Its tensors are from a run in double; x, target and weight are float32 numbers, so that
both precisions have the same:

    x, target, weight  a batch, with targets that are int32 labels or float32 numbers, and the layer's
                       weight (outputs, inputs)
    loss, grad         the mean loss, and its gradient with respect to the weight

torchvision's sigmoid_focal_loss and what PyTorch has no function for (focal loss of classes, the
strongest class of a hinge, smoothed yes or no) is written out here.
"""
import pathlib
import sys
import zlib

import numpy as np
import torch
from torch.nn import functional as F

from make_fixtures import save

CASES = {}
INPUTS = 5


def case(name, loss, outputs, targets, function, rows=(7,), sign=0):
    """targets: of a generator and the shape of the outputs. sign: inputs > 0 and weights < 0."""
    CASES[name] = (loss, outputs, targets, function, rows, sign)


def labels(classes=None):
    return lambda draw, shape: draw.integers(0, classes or shape[-1], shape[:-1]).astype(np.int32)


def one_label_each(draw, shape):
    return draw.integers(0, 2, shape).astype(np.int32)


def numbers(draw, shape):
    return draw.uniform(-1, 1, shape).astype(np.float32)


def shares(draw, shape):
    return draw.uniform(0, 1, shape).astype(np.float32)


def answers(draw, shape):
    return draw.integers(0, 2, shape).astype(np.float32)


def distributions(draw, shape):
    q = draw.uniform(0, 1, shape) * (draw.uniform(0, 1, shape) > 0.3) + 1e-3
    return (q / q.sum(-1, keepdims=True)).astype(np.float32)


# ---- classes ------------------------------------------------------------------------------


def flat(function, distribution=False):
    """Over all rows of a sequence."""
    return lambda y, t: function(y.reshape(-1, y.shape[-1]), t.reshape(-1, y.shape[-1])
                                 if distribution else t.reshape(-1).long())


def list_of(tensor):
    return "[" + ", ".join(repr(round(float(v), 6)) for v in tensor) + "]"


WEIGHTS = torch.tensor([0.5, 2.0, 1.25, 0.75], dtype=torch.float64)
for name, options, more in (
        ("plain", "", {}),
        ("smoothed", "label_smoothing: 0.1", {"label_smoothing": 0.1}),
        ("ignored", "ignore_label: 2", {"ignore_index": 2}),
        ("weighted", f"class_weights: {list_of(WEIGHTS)}", {"weight": WEIGHTS}),
        ("weighted_smoothed", f"class_weights: {list_of(WEIGHTS)}, label_smoothing: 0.3",
         {"weight": WEIGHTS, "label_smoothing": 0.3}),
        ("all", f"class_weights: {list_of(WEIGHTS)}, label_smoothing: 0.2, ignore_label: 1",
         {"weight": WEIGHTS, "label_smoothing": 0.2, "ignore_index": 1})):
    entropy = lambda y, t, more=more: F.cross_entropy(y, t, **more)
    case(f"cross_entropy-{name}", f"{{cross_entropy: {{{options}}}}}", 4, labels(), flat(entropy))
    case(f"cross_entropy-{name}_steps", f"{{cross_entropy: {{{options}}}}}", 4, labels(),
         flat(entropy), (3, 5))
    if "ignore" not in options:
        case(f"cross_entropy-{name}_shares", f"{{cross_entropy: {{{options}}}}}", 4,
             distributions, flat(entropy, True))
    if "smoothing" not in options:
        case(f"nll-{name}", f"{{nll: {{{options}}}}}", 4, labels(),
             flat(lambda y, t, more=more: F.nll_loss(y, t, **more)), sign=1)
        case(f"nll-{name}_steps", f"{{nll: {{{options}}}}}", 4, labels(),
             flat(lambda y, t, more=more: F.nll_loss(y, t, **more)), (2, 6), sign=1)
case("cross_entropy-wide", "cross_entropy", 37, labels(), flat(F.cross_entropy))


def divergence(y, q):
    return F.kl_div(F.log_softmax(y, -1), q, reduction="batchmean")


case("kl_divergence-plain", "kl_divergence", 4, distributions, flat(divergence, True))
case("kl_divergence-wide", "kl_divergence", 21, distributions, flat(divergence, True), (4,))
case("kl_divergence-steps", "kl_divergence", 3, distributions, flat(divergence, True), (2, 5))


def margins(power, margin):
    return lambda y, t: F.multi_margin_loss(y, t, p=power, margin=margin)


def strongest(power, margin):
    def loss(y, t):
        own = y.gather(1, t[:, None])
        others = y.masked_fill(F.one_hot(t, y.shape[1]).bool(), -float("inf")).amax(1, True)
        return (margin + others - own).clamp(min=0).pow(power).mean()
    return loss


def sides(power, margin):
    return lambda y, t: (margin - torch.where(t > 0, 1.0, -1.0) * y).clamp(min=0).pow(power).mean()


for power, margin in ((1, 1.0), (2, 1.0), (1, 0.4), (2, 2.5)):
    options = f"squared: {'true' if power == 2 else 'false'}, margin: {margin}"
    name = f"{power}_{str(margin).replace('.', '_')}"
    case(f"hinge-classes_{name}", f"{{hinge: {{{options}}}}}", 4, labels(),
         flat(margins(power, margin)))
    case(f"hinge-strongest_{name}", f"{{hinge: {{{options}, classes: crammer_singer}}}}", 4,
         labels(), flat(strongest(power, margin)), (3, 4))
    case(f"hinge-sides_{name}", f"{{hinge: {{{options}}}}}", 1, one_label_each, sides(power, margin))
    case(f"hinge-outputs_{name}", f"{{hinge: {{{options}}}}}", 3, numbers, sides(power, margin))


def focal(gamma, alpha=None):
    def loss(y, t):
        log_p = F.log_softmax(y, -1).gather(1, t[:, None])[:, 0]
        a = 1 if alpha is None else alpha[t]
        return (-a * (1 - log_p.exp()).pow(gamma) * log_p).mean()
    return loss


def sigmoid_focal(gamma, alpha=None):
    def loss(y, t):
        t = t.to(y.dtype)
        p = torch.sigmoid(y)
        entropy = F.binary_cross_entropy_with_logits(y, t, reduction="none")
        right = p * t + (1 - p) * (1 - t)
        a = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
        return (a * entropy * (1 - right) ** gamma).mean()
    return loss


for gamma in (0.0, 0.5, 2.0, 3.5):
    name = str(gamma).replace(".", "_")
    case(f"focal-classes_{name}", f"{{focal: {gamma}}}", 4, labels(), flat(focal(gamma)))
    case(f"focal-weighted_{name}", f"{{focal: {{gamma: {gamma}, alpha: {list_of(WEIGHTS)}}}}}", 4,
         labels(), flat(focal(gamma, WEIGHTS)), (2, 5))
    case(f"focal-binary_{name}", f"{{focal: {gamma}}}", 1, one_label_each, sigmoid_focal(gamma))
    case(f"focal-outputs_{name}", f"{{focal: {{gamma: {gamma}, alpha: [0.25]}}}}", 3, answers,
         sigmoid_focal(gamma, 0.25))

# ---- yes or no, numbers -------------------------------------------------------------------


def binary(positive=None, smoothing=0.0):
    def loss(y, t):
        t = t.to(y.dtype) * (1 - smoothing) + smoothing / 2
        w = None if positive is None else torch.tensor(positive, dtype=y.dtype)
        return F.binary_cross_entropy_with_logits(y, t, pos_weight=w)
    return loss


BINARY = "binary_cross_entropy"
case(f"{BINARY}-labels", BINARY, 1, one_label_each, binary())
case(f"{BINARY}-shares", BINARY, 3, shares, binary())
case(f"{BINARY}-weighted", f"{{{BINARY}: {{pos_weight: [2.5]}}}}", 3, shares, binary([2.5]))
case(f"{BINARY}-each_weighted", f"{{{BINARY}: {{pos_weight: [2.5, 0.0, 0.3]}}}}", 3, answers,
     binary([2.5, 0.0, 0.3]), (3, 4))
case(f"{BINARY}-smoothed", f"{{{BINARY}: {{label_smoothing: 0.2}}}}", 1, one_label_each,
     binary(None, 0.2))
case(f"{BINARY}-all", f"{{{BINARY}: {{label_smoothing: 0.1, pos_weight: [3]}}}}", 3, answers,
     binary([3.0], 0.1))
for rows in ((7,), (3, 4)):
    kind = len(rows)
    case(f"mse-{kind}", "mse", 3, numbers, F.mse_loss, rows)
    case(f"mae-{kind}", "mae", 3, numbers, F.l1_loss, rows)
    for delta in (0.1, 1.0, 5.0):
        case(f"huber-{kind}_{str(delta).replace('.', '_')}", f"{{huber: {delta}}}", 3, numbers,
             lambda y, t, delta=delta: F.huber_loss(y, t, delta=delta), rows)


def run(name, loss, outputs, targets, function, rows, sign):
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    x = draw.uniform(-2, 2, (*rows, INPUTS)).astype(np.float32)
    weight = draw.uniform(-1, 1, (outputs, INPUTS)).astype(np.float32)
    target = targets(draw, (*rows, outputs))
    if sign:
        x, weight = np.abs(x), -np.abs(weight)
    w = torch.from_numpy(weight).double().requires_grad_()
    t = torch.from_numpy(target)
    value = function(F.linear(torch.from_numpy(x).double(), w), t.double() if t.is_floating_point() else t)
    value.backward()
    return {"x": x, "target": target, "weight": weight, "loss": np.array([value.item()]),
            "grad": w.grad.numpy()}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    out = {}
    for name, how in CASES.items():
        out.update({f"{name}/{k}": v for k, v in run(name, *how).items()})
    save(folder / "losses.safetensors", out, {name: how[0] for name, how in CASES.items()})


if __name__ == "__main__":
    main()
