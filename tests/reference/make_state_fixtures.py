#!/usr/bin/python3
"""Writes state_dicts of PyTorch's (made with 1.13, Debian's python3-torch) for tests/core/init_from.c,
and what the networks make of an input.

    make_state_fixtures.py [--folder FOLDER] [--tenon PROGRAM]

state-NET.safetensors is the state_dict, state-NET.yaml the same network as Tenon's; states.safetensors
holds NET/x (channels last) and NET/y, in double. With the program, each network is also trained there
for an epoch, converted by scripts/torch-state, loaded into PyTorch, compared with what `tenon predict`
says, and converted back, which must give the same file.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch

from make_fixtures import save

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / "scripts" / "torch-state"
SAMPLES, STEPS, FEATURES, UNITS, PROJECTION = 6, 7, 5, 6, 4


class Cnn(torch.nn.Module):
    shape = (8, 6, 3)
    names = {"conv2d": "features.0", "batch_norm": "features.1", "batch_norm_2": "head.0",
             "dense": "head.2", "dense_2": "head.4"}

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(),
            torch.nn.MaxPool2d(2))
        self.head = torch.nn.Sequential(
            torch.nn.BatchNorm1d(48), torch.nn.Dropout(0.5), torch.nn.Linear(48, 10),
            torch.nn.Tanh(), torch.nn.Linear(10, 5))

    def forward(self, x):
        return self.head(self.features(x.movedim(-1, 1)).flatten(1))


class Recurrent(torch.nn.Module):
    shape = (STEPS, FEATURES)

    def __init__(self, kind, layers=1, bidirectional=False, flat=False, block="", **options):
        super().__init__()
        self.rnn = kind(FEATURES, UNITS, layers, batch_first=True, bidirectional=bidirectional,
                        **options)
        width = UNITS * (1 + bidirectional)
        self.out = torch.nn.Linear(width * STEPS if flat else width, 3)
        ours = block + kind.__name__.lower()
        self.flat, self.names = flat, {ours: "rnn", "dense": "out"}
        if layers > 1:
            self.names.update({f"{ours}_2.weight": "rnn.weight_ih_l1",
                               f"{ours}_2.recurrent_weight": "rnn.weight_hh_l1",
                               f"{ours}_2.bias": "rnn.bias_ih_l1,rnn.bias_hh_l1"})

    def forward(self, x):
        y, _ = self.rnn(x)
        if self.flat:
            return self.out(y.flatten(1))
        return self.out(torch.cat((y[:, -1, :UNITS], y[:, 0, UNITS:]), 1))


class Sequence(torch.nn.Module):
    """Weights by norms, one of them square and behind a flattened sequence."""
    shape = (STEPS, 4)
    names = {"conv1d": "conv", "conv1d.weight": "conv.weight_v", "conv1d.weight.g": "conv.weight_g",
             "dense": "mix", "dense.weight": "mix.weight_orig", "dense.weight.u": "mix.weight_u",
             "dense.weight.v": "mix.weight_v",
             "dense_2": "out", "dense_2.weight": "out.weight_v", "dense_2.weight.g": "out.weight_g"}

    def __init__(self):
        super().__init__()
        norm = torch.nn.utils
        self.conv = norm.weight_norm(torch.nn.Conv1d(4, 6, 3, dilation=2, groups=2))
        self.mix = norm.spectral_norm(torch.nn.Linear(18, 18))
        self.out = norm.weight_norm(torch.nn.Linear(18, 3))

    def forward(self, x):
        x = self.mix(torch.tanh(self.conv(x.movedim(-1, 1))).flatten(1))
        return self.out(torch.tanh(x))


class Words(torch.nn.Module):
    """An embedding, both directions of an LSTM with projections, a norm of their last states."""
    shape, vocabulary = (STEPS,), 9
    names = {"embedding": "table", "lstm": "rnn", "layer_norm": "norm", "dense": "out"}

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(self.vocabulary, FEATURES)
        self.rnn = torch.nn.LSTM(FEATURES, UNITS, batch_first=True, bidirectional=True,
                                 proj_size=PROJECTION)
        self.norm = torch.nn.LayerNorm(2 * PROJECTION)
        self.out = torch.nn.Linear(2 * PROJECTION, 3)

    def forward(self, x):
        y, _ = self.rnn(self.table(x.long()))
        return self.out(self.norm(torch.cat((y[:, -1, :PROJECTION], y[:, 0, PROJECTION:]), 1)))


class Grouped(torch.nn.Module):
    """Filters and a norm of groups of channels."""
    shape = (6, 5, 4)
    names = {"conv2d": "conv", "group_norm": "norm", "dense": "out"}

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
        self.norm = torch.nn.GroupNorm(4, 8)
        self.out = torch.nn.Linear(72, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x.movedim(-1, 1))))
        return self.out(x.flatten(1))


NETS = {
    "cnn": Cnn,
    "lstm": lambda: Recurrent(torch.nn.LSTM, layers=2),
    "lstm-bidirectional": lambda: Recurrent(torch.nn.LSTM, bidirectional=True, flat=True),
    "gru": lambda: Recurrent(torch.nn.GRU),
    "gru-bidirectional": lambda: Recurrent(torch.nn.GRU, bidirectional=True),
    "sequence": Sequence,
    "rnn": lambda: Recurrent(torch.nn.RNN, layers=2, block="sequential.", nonlinearity="relu"),
    "words": Words,
    "grouped": Grouped,
}


def inputs(net, samples):
    if hasattr(net, "vocabulary"):
        return torch.randint(net.vocabulary, (samples, *net.shape)).float()
    return torch.randn(samples, *net.shape)


def make(name):
    """A network in double, of float32 numbers, with running statistics that say something."""
    net = NETS[name]()
    with torch.no_grad():
        net(inputs(net, 20) + 0.5)
        for parameter in net.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn(parameter.shape))
    return net.double().eval()


def state(net, dtype):
    return {k: v.numpy().astype(dtype if v.is_floating_point() else np.int64)
            for k, v in net.state_dict().items()}


def check(name, folder, program):
    """The largest difference between PyTorch and `tenon predict` after training by Tenon."""
    net = NETS[name]()
    x = inputs(net, SAMPLES).numpy()
    with tempfile.TemporaryDirectory() as scratch:
        at = lambda file: f"{scratch}/{file}"
        np.save(at("x.npy"), x)
        np.save(at("y.npy"), torch.randn(SAMPLES, 5 if name == "cnn" else 3).numpy())
        run = lambda *command: subprocess.run([str(c) for c in command], check=True,
                                              stdout=subprocess.DEVNULL)
        run(program, "train", folder / f"state-{name}.yaml", "--out", at("run"),
            "--set", f"init_from.path={folder}/state-{name}.safetensors",
            "--set", f"data={{npy: {{x: {at('x.npy')}, y: {at('y.npy')}, batch: 2}}}}")
        run(program, "predict", at("run"), at("x.npy"), "-o", at("out.npy"))
        names = [part for ours, theirs in net.names.items() for part in
                 ("--name", f"{ours}={theirs}")]
        if name == "lstm-bidirectional":
            names += ["--flatten", "channels_last"]
        run(SCRIPT, "to-torch", at("run/model.safetensors"), at("state.safetensors"), *names)
        run(SCRIPT, "from-torch", at("state.safetensors"), at("run/model.safetensors"),
            at("back.safetensors"), *names)
        model, back = load(at("run/model.safetensors")), load(at("back.safetensors"))
        assert model.keys() == back.keys() and all((model[k] == back[k]).all() for k in model)
        net.load_state_dict({k: torch.from_numpy(v.copy())
                             for k, v in load(at("state.safetensors")).items()})
        with torch.no_grad():
            y = net.eval()(torch.from_numpy(x)).numpy()
        return np.abs(y - np.load(at("out.npy"))).max()


def load(path):
    """The tensors of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    dtypes = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
    return {k: np.frombuffer(data[8 + size:], np.uint8)[slice(*v["data_offsets"])]
            .view(dtypes[v["dtype"]]).reshape(v["shape"])
            for k, v in header.items() if k != "__metadata__"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, default=HERE)
    parser.add_argument("--tenon")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(4)
    both = {}
    for name in NETS:
        net = make(name)
        x = inputs(net, SAMPLES).double()
        with torch.no_grad():
            both[f"{name}/x"], both[f"{name}/y"] = x.numpy(), net(x).numpy()
        save(options.folder / f"state-{name}.safetensors",
             state(net, np.float64 if name.startswith("lstm") else np.float32))
    save(options.folder / "states.safetensors", both)
    for name in NETS if options.tenon else ():
        print(f"{name}: PyTorch and Tenon differ by "
              f"{check(name, options.folder, options.tenon):.1e}")


if __name__ == "__main__":
    main()
