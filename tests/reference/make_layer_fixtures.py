#!/usr/bin/python3
"""Writes layers.safetensors, the fixture of check_torch (tests/support/check_torch.c), with PyTorch
(made with 1.13, Debian's python3-torch).

    make_layer_fixtures.py [FOLDER]

Each case is a net in double, mostly one layer behind a dense one, through whose gradient that of
the layer's input shows. PyTorch keeps channels first, Tenon last: `first` and `last` turn.
"""
import pathlib
import sys

import numpy as np
import torch
from torch.nn import functional as F

from make_fixtures import save


def first(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


class Case:
    """Draws parameters by Tenon's names as the net asks for them."""

    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)
        self.params = {}

    def random(self, *shape):
        return torch.from_numpy(self.draw.uniform(-1, 1, shape))

    def param(self, name, *shape):
        if name not in self.params:
            self.params[name] = self.random(*shape).requires_grad_()
        return self.params[name]

    def dense(self, x, units, name="dense"):
        weight = self.param(name + ".weight", units, x.shape[-1])
        return F.linear(x, weight, self.param(name + ".bias", units))


def behind_dense(units, layer):
    """A net of a dense layer and `layer`, a function of channels-first values."""
    return lambda case, x: last(layer(first(case.dense(x, units))))


# Of each case: the input's shape with the batch, the net.
CASES = {}


def case(name, shape, net):
    CASES[name] = (shape, net)


def tensors():
    out = {}
    for seed, (name, (shape, net)) in enumerate(CASES.items()):
        made = Case(seed)
        x = made.random(*shape)
        y = net(made, x)
        target = made.random(*y.shape)
        (y * target).sum().backward()
        numpy = lambda t: t.detach().contiguous().numpy()
        out.update({f"{name}/x": numpy(x), f"{name}/y": numpy(y), f"{name}/target": numpy(target)})
        for param, value in made.params.items():
            out[f"{name}/value/{param}"] = numpy(value)
            out[f"{name}/grad/{param}"] = numpy(value.grad)
    return out


# ---- pools --------------------------------------------------------------------------------

case("max_pool_2d", (3, 7, 6, 2), behind_dense(3, lambda x: F.max_pool2d(x, 2)))
case("max_pool_overlap", (2, 7, 8, 2),
     behind_dense(3, lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0))))
case("max_pool_1d", (2, 9, 2), behind_dense(3, lambda x: F.max_pool1d(x, 3, 2, 1)))


def ties(case, x):
    """With weights of 0 all values are equal: who of them gets the gradient."""
    case.params["dense.weight"] = torch.zeros(2, 2, dtype=x.dtype, requires_grad=True)
    return last(F.max_pool2d(first(case.dense(x, 2)), 3, 1))


case("max_pool_ties", (2, 6, 6, 2), ties)
case("avg_pool_2d", (3, 7, 6, 2), behind_dense(3, lambda x: F.avg_pool2d(x, 2)))
case("avg_pool_there", (2, 7, 8, 2),
     behind_dense(3, lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 1), count_include_pad=False)))
case("avg_pool_padding", (2, 7, 8, 2),
     behind_dense(3, lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 1), count_include_pad=True)))
case("avg_pool_1d", (2, 9, 2), behind_dense(3, lambda x: F.avg_pool1d(x, 3, 2)))
case("global_avg_pool", (3, 4, 5, 2), behind_dense(3, lambda x: x.mean((2, 3))))
case("global_max_pool", (3, 4, 5, 2), behind_dense(3, lambda x: x.amax((2, 3))))

# ---- norms --------------------------------------------------------------------------------


def norm(units, layer, beta=True):
    """A dense layer and a norm `layer(x, gamma, beta)` on channels-last values."""
    def net(case, x):
        x = case.dense(x, units)
        gamma = case.param("norm.gamma", units)
        return layer(x, gamma, case.param("norm.beta", units)) if beta else layer(x, gamma)
    return net


def channels_first(layer):
    return lambda x, gamma, beta: last(layer(first(x), gamma, beta))


def rms(x, gamma):
    return gamma * x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6)


for shape in ((4, 3), (2, 3, 2), (2, 3, 4, 2)):
    rank = len(shape)
    case(f"batch_norm_{rank}", shape, norm(5, channels_first(
        lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True))))
    case(f"layer_norm_{rank}", shape, norm(7, lambda x, gamma, beta: F.layer_norm(
        x, (7,), gamma, beta)))
    case(f"rms_norm_{rank}", shape, norm(7, rms, beta=False))
    case(f"group_norm_{rank}", shape, norm(6, channels_first(
        lambda x, gamma, beta: F.group_norm(x, 3, gamma, beta))))
for shape in ((2, 3, 2), (2, 3, 4, 2)):
    case(f"instance_norm_{len(shape)}", shape, norm(3, channels_first(
        lambda x, gamma, beta: F.instance_norm(x, weight=gamma, bias=beta))))

# ---- shapes -------------------------------------------------------------------------------

case("upsample_1d", (2, 3, 2),
     behind_dense(3, lambda x: F.interpolate(x, scale_factor=3, mode="nearest")))
case("upsample_2d", (2, 3, 2, 2),
     behind_dense(3, lambda x: F.interpolate(x, scale_factor=2, mode="nearest")))

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    save(folder / "layers.safetensors", tensors())
