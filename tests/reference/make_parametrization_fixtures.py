#!/usr/bin/python3
"""Writes parametrizations.safetensors with PyTorch (made with 1.13, Debian's python3-torch): networks
whose weights torch.nn.utils.weight_norm and spectral_norm make, for check_torch
(tests/support/check_torch.c).

    make_parametrization_fixtures.py [FOLDER]

A case NORM-LAYER holds what make_layer_fixtures.py says; the states are u and v. Behind another `-`
stands what is not the default.
"""
import pathlib
import sys

import numpy as np
import torch

from make_fixtures import save

STEPS, BATCH = 5, 6


class Dense(torch.nn.Module):
    shape, outputs = (7,), 3
    model = "[{{dense: {{name: a, units: 5, parametrization: {0}}}}}, tanh, {{dense: {{name: b, " \
            "units: 3, parametrization: {0}}}}}]"

    def __init__(self, norm):
        super().__init__()
        self.a = norm(torch.nn.Linear(7, 5))
        self.b = norm(torch.nn.Linear(5, 3))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class Conv2d(torch.nn.Module):
    shape, outputs = (6, 5, 3), 2
    model = "[{{conv2d: {{name: a, filters: 4, kernel: 3, padding: same, parametrization: {0}}}}}, " \
            "tanh, {{conv2d: {{name: b, filters: 2, kernel: 2, stride: 2, parametrization: {0}}}}}, " \
            "global_avg_pool]"

    def __init__(self, norm):
        super().__init__()
        self.a = norm(torch.nn.Conv2d(3, 4, 3, padding=1))
        self.b = norm(torch.nn.Conv2d(4, 2, 2, stride=2))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x.movedim(-1, 1)))).mean((2, 3))


class Conv1d(torch.nn.Module):
    shape, outputs = (9, 4), 2
    model = "[{{conv1d: {{name: a, filters: 6, kernel: 3, dilation: 2, groups: 2, parametrization: " \
            "{0}}}}}, tanh, {{conv1d: {{name: b, filters: 2, kernel: 2, stride: 2, parametrization: " \
            "{0}}}}}, global_avg_pool]"

    def __init__(self, norm):
        super().__init__()
        self.a = norm(torch.nn.Conv1d(4, 6, 3, dilation=2, groups=2))
        self.b = norm(torch.nn.Conv1d(6, 2, 2, stride=2))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x.movedim(-1, 1)))).mean(2)


NORMS = {"weight_norm": torch.nn.utils.weight_norm, "spectral_norm": torch.nn.utils.spectral_norm}
LAYERS = {"dense": Dense, "conv2d": Conv2d, "conv1d": Conv1d}
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


def case(norm, layer, seed, more="", **options):
    torch.manual_seed(seed)
    net = LAYERS[layer](lambda module: NORMS[norm](module.float().double(), **options)).double()
    with torch.no_grad():  # a length that is not that of the raw weight
        for name, parameter in net.named_parameters():
            if name.endswith("_g"):
                parameter.mul_(1 + torch.rand_like(parameter))
    x = torch.randn(BATCH, *net.shape).double()
    target = torch.randn(BATCH, net.outputs).double()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    out = {"x": x.numpy().astype(np.float32), "target": target.numpy().astype(np.float32)}
    out.update({"init/" + k: v for k, v in values(net, norm).items()})
    for step in range(STEPS):
        optimizer.zero_grad()
        y = net.train()(x)
        loss = torch.nn.functional.mse_loss(y, target)
        loss.backward()
        if step == 0:
            out["y"], out["loss"] = y.detach().numpy().copy(), np.array([loss.item()])
            out.update({"grad/" + k: v for k, v in values(net, norm, lambda t: t.grad).items()})
        optimizer.step()
    out.update({"after/" + k: v for k, v in values(net, norm).items()})
    with torch.no_grad():
        out["y_after"] = net.eval()(x).numpy().copy()
    return {f"{norm}-{layer}{more}/{k}": v for k, v in out.items()}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    cases, texts = {}, {}
    for seed, norm in enumerate(NORMS):
        for layer, net in LAYERS.items():
            cases.update(case(norm, layer, seed))
            texts[f"{norm}-{layer}"] = net.model.format(norm)
    cases.update(case("spectral_norm", "dense", 2, "-iterations", n_power_iterations=3))
    texts["spectral_norm-dense-iterations"] = Dense.model.format("{spectral_norm: {iterations: 3}}")
    save(folder / "parametrizations.safetensors", cases, texts)


if __name__ == "__main__":
    main()
