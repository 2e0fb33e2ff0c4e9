#!/usr/bin/python3
"""Writes fixtures with PyTorch (made with 1.13, Debian's python3-torch): those of tests/core/torch.c.

    make_fixtures.py [FOLDER]

Four networks, each trained for 20 steps by SGD with momentum and by Adam, one of them with learning
rates and decays by groups of parameters and a frozen one. A fixture
NET-OPTIMIZER.safetensors holds, all from a run in double:

    x, target          the 20 batches; inputs and initial weights are float32 numbers, so that
                       runs in float and in double start from the same point
    init/PARAMETER     weights before the first step
    y, loss, grad/*    forward, loss and gradients (but of what is frozen) of the first batch; losses:
                       of every step
    y_after            forward of the first batch after the last step, outside training
    step/PARAMETER     weights after each step, first axis 20
    state/NAME         running statistics after the last step

The script also runs each network in float and prints how far PyTorch's float run strays from
its double run, by the measure of the suite: the seeds are such that it stays well within the
suite's bound for float, so that the bound tests Tenon and not the chaos of the network.
"""
import json
import pathlib
import struct
import sys

import numpy as np
import torch

STEPS, BATCH, INPUTS, CLASSES = 20, 8, 10, 3


class Residual(torch.nn.Module):
    def __init__(self, **body):
        super().__init__()
        self.body = torch.nn.Sequential()
        for name, layer in body.items():
            self.body.add_module(name, layer)

    def forward(self, x):
        return x + self.body(x)


def sequence(**layers):
    net = torch.nn.Sequential()
    for name, layer in layers.items():
        net.add_module(name, layer)
    return net


def mlp():
    return sequence(first=torch.nn.Linear(INPUTS, 8), relu=torch.nn.ReLU(),
                    second=torch.nn.Linear(8, 6), sigmoid=torch.nn.Sigmoid(),
                    last=torch.nn.Linear(6, CLASSES))


def norm():
    body = Residual(inner=torch.nn.Linear(8, 8, bias=False), inner_norm=torch.nn.BatchNorm1d(8),
                    relu=torch.nn.ReLU(), outer=torch.nn.Linear(8, 8))
    return sequence(first=torch.nn.Linear(INPUTS, 8, bias=False),
                    first_norm=torch.nn.BatchNorm1d(8), relu=torch.nn.ReLU(), residual=body,
                    last=torch.nn.Linear(8, CLASSES))


def clipped():
    return sequence(first=torch.nn.Linear(INPUTS, 8), tanh=torch.nn.Tanh(),
                    second=torch.nn.Linear(8, 6), relu=torch.nn.ReLU(),
                    last=torch.nn.Linear(6, CLASSES))


def groups_of(net):
    """Those of the section parameters of groups.yaml."""
    net.first.weight.requires_grad_(False)
    return [{"params": [net.first.bias], "weight_decay": 0.03},
            {"params": [net.second.weight], "lr_factor": 0.1},
            {"params": [net.second.bias], "lr_factor": 0.1, "weight_decay": 0.03},
            {"params": [net.last.weight], "lr": 0.02, "weight_decay": 0.0},
            {"params": [net.last.bias], "weight_decay": 0.03}]


# Of each network: its maker, its loss, l2 on weights, limit of the gradients' norm.
NETS = {
    "mlp": (mlp, "cross_entropy", 0.0, None),
    "norm": (norm, "cross_entropy", 0.0, None),
    "clipped": (clipped, "mse", 0.05, 0.25),
    "groups": (clipped, "mse", 0.0, 0.25),
}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    "adam": (torch.optim.Adam, dict(lr=0.01)),
}


def optimizer_of(net_name, net, name):
    make, options = OPTIMIZERS[name]
    if net_name != "groups":
        return make(net.parameters(), **options)
    groups = groups_of(net)
    for group in groups:
        if "lr_factor" in group:
            group["lr"] = options["lr"] * group.pop("lr_factor")
    return make(groups, weight_decay=0.01, **options)


def tenon_name(name):
    """residual.body.inner_norm.weight -> residual.inner_norm.gamma"""
    path, leaf = name.replace("body.", "").rsplit(".", 1)
    if path.endswith("norm"):
        leaf = {"weight": "gamma", "bias": "beta"}.get(leaf, leaf)
    return path + "." + leaf


def data(kind, seed):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((STEPS, BATCH, INPUTS)).astype(np.float32)
    if kind == "cross_entropy":
        return x, draw.integers(0, CLASSES, (STEPS, BATCH)).astype(np.int32)
    return x, draw.standard_normal((STEPS, BATCH, CLASSES)).astype(np.float32)


def loss_of(kind, y, target):
    if kind == "cross_entropy":
        return torch.nn.functional.cross_entropy(y, target.long())
    return torch.nn.functional.mse_loss(y, target)


def train(net, kind, optimizer, x, target, l2, limit):
    """All that a fixture holds, as numpy arrays."""
    copy = lambda t: t.detach().numpy().copy()
    name = {p: tenon_name(n) for n, p in net.named_parameters()}
    out = {"init/" + n: copy(p) for p, n in name.items()}
    steps = {n: [] for n in name.values()}
    losses, clipped = [], 0
    for step in range(STEPS):
        optimizer.zero_grad()
        y = net(x[step])
        loss = loss_of(kind, y, target[step])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            out["y"], out["loss"] = copy(y), np.array([loss.item()])
            out.update({"grad/" + n: copy(p.grad) for p, n in name.items() if p.requires_grad})
        if limit is not None:  # clipping sees the gradient of the data alone
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), limit)
            clipped += norm.item() > limit
        for p, n in name.items():
            if l2 and n.endswith(".weight"):
                p.grad.add_(p.detach(), alpha=l2)
        optimizer.step()
        for p, n in name.items():
            steps[n].append(copy(p))
    out.update({"step/" + n: np.stack(v) for n, v in steps.items()})
    out.update({"state/" + tenon_name(n): copy(b) for n, b in net.named_buffers()
                if "running" in n})
    out["losses"] = np.array(losses)
    with torch.no_grad():
        out["y_after"] = copy(net.eval()(x[0]))
    assert limit is None or 5 < clipped, "the limit should bite"
    return out


def run(net_name, optimizer_name, dtype, seed):
    make, kind, l2, limit = NETS[net_name]
    torch.manual_seed(seed)
    net = make().to(torch.float32).to(dtype)
    x, target = data(kind, seed)
    real = torch.from_numpy(target)
    real = real.to(dtype) if kind == "mse" else real
    out = train(net, kind, optimizer_of(net_name, net, optimizer_name),
                torch.from_numpy(x).to(dtype), real, l2, limit)
    return {"x": x, "target": target, **out}


def strays(a, b):
    """Largest error of a tensor of the float run a, by the suite's measure."""
    worst = 0.0
    for group in ("grad/", "step/", "after/"):
        largest = max((np.abs(v).max() for k, v in b.items() if k.startswith(group)), default=0)
        for k, v in b.items():
            if k.startswith(group):
                scale = max(np.abs(v).max(), 1e-3 * largest)
                worst = max(worst, np.abs(a[k].astype(np.float64) - v).max() / scale)
    return worst


def save(path, tensors, texts=None):
    """The safetensors format: length, JSON padded with spaces, data."""
    names = {"float64": "F64", "float32": "F32", "int32": "I32", "int64": "I64"}
    header, at = {"__metadata__": texts} if texts else {}, 0
    # Widest elements first, so that every tensor is aligned.
    order = sorted(tensors.items(), key=lambda kv: (-kv[1].itemsize, kv[0]))
    for key, value in order:
        header[key] = {"dtype": names[str(value.dtype)], "shape": list(value.shape),
                       "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, value in order:
            file.write(np.ascontiguousarray(value).tobytes())


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    for net in NETS:
        for optimizer in OPTIMIZERS:
            exact = run(net, optimizer, torch.float64, seed=7)
            rough = run(net, optimizer, torch.float32, seed=7)
            save(folder / f"{net}-{optimizer}.safetensors", exact)
            print(f"{net}-{optimizer}: float strays {strays(rough, exact):.1e}")


if __name__ == "__main__":
    main()
