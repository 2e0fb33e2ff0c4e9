#!/usr/bin/python3
"""Writes parametrizations.safetensors with PyTorch (made with 1.13, Debian's python3-torch): networks
whose weights torch.nn.utils.weight_norm and spectral_norm make, for tests/support/parametrized.h.

    make_parametrization_fixtures.py [FOLDER]

A case NORM-LAYER holds, from a run in double of STEPS steps of SGD with momentum:

    x, target          the batches, channels last
    init/PARAMETER     values before the first step, by Tenon's names; also of the states u and v
    y, loss, grad/*    training forward, loss and gradients of the first batch
    step/PARAMETER     values after each step, and of the states
    y_after            forward of the first batch after the last step, outside training
"""
import pathlib
import sys

import numpy as np
import torch

from make_fixtures import save

STEPS, BATCH = 5, 6


class Dense(torch.nn.Module):
    shape, outputs = (7,), 3

    def __init__(self, norm):
        super().__init__()
        self.a = norm(torch.nn.Linear(7, 5))
        self.b = norm(torch.nn.Linear(5, 3))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class Conv2d(torch.nn.Module):
    shape, outputs = (6, 5, 3), 2

    def __init__(self, norm):
        super().__init__()
        self.a = norm(torch.nn.Conv2d(3, 4, 3, padding=1))
        self.b = norm(torch.nn.Conv2d(4, 2, 2, stride=2))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x.movedim(-1, 1)))).mean((2, 3))


NORMS = {"weight_norm": torch.nn.utils.weight_norm, "spectral_norm": torch.nn.utils.spectral_norm}
LAYERS = {"dense": Dense, "conv2d": Conv2d}
# What weight_norm and spectral_norm call them.
NAMES = {"weight_v": "weight", "weight_orig": "weight", "weight_g": "weight.g", "bias": "bias",
         "weight_u": "weight.u", "weight_v_state": "weight.v"}


def values(net, norm, of=lambda t: t):
    """Parameters and states by Tenon's names."""
    out = {}
    for name, t in [*net.named_parameters(), *net.named_buffers()]:
        layer, leaf = name.split(".")
        if norm == "spectral_norm" and leaf == "weight_v":
            leaf = "weight_v_state"
        value = of(t)
        if value is not None:
            value = value.detach().numpy().copy()
            out[f"{layer}.{NAMES[leaf]}"] = value.reshape(-1) if leaf == "weight_g" else value
    return out


def case(norm, layer, seed):
    torch.manual_seed(seed)
    net = LAYERS[layer](lambda module: NORMS[norm](module.float().double())).double()
    with torch.no_grad():  # a length that is not that of the raw weight
        for name, parameter in net.named_parameters():
            if name.endswith("_g"):
                parameter.mul_(1 + torch.rand_like(parameter))
    x = torch.randn(STEPS, BATCH, *net.shape).double()
    target = torch.randn(STEPS, BATCH, net.outputs).double()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    out = {"x": x.numpy().astype(np.float32), "target": target.numpy().astype(np.float32)}
    out.update({"init/" + k: v for k, v in values(net, norm).items()})
    steps = []
    for step in range(STEPS):
        optimizer.zero_grad()
        y = net.train()(x[step])
        loss = torch.nn.functional.mse_loss(y, target[step])
        loss.backward()
        if step == 0:
            out["y"], out["loss"] = y.detach().numpy().copy(), np.array([loss.item()])
            out.update({"grad/" + k: v for k, v in values(net, norm, lambda t: t.grad).items()})
        optimizer.step()
        steps.append(values(net, norm))
    out.update({"step/" + k: np.stack([s[k] for s in steps]) for k in steps[0]})
    with torch.no_grad():
        out["y_after"] = net.eval()(x[0]).numpy().copy()
    return {f"{norm}-{layer}/{k}": v for k, v in out.items()}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    cases = {}
    for seed, norm in enumerate(NORMS):
        for layer in LAYERS:
            cases.update(case(norm, layer, seed))
    save(folder / "parametrizations.safetensors", cases)


if __name__ == "__main__":
    main()
