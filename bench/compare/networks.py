"""The networks of the comparison in PyTorch, and how Tenon's parameters get into them."""
import pathlib
import sys

import numpy as np
import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parent.parent / "peers"))
from resnet import resnet20  # noqa: E402 - beside the peers of the benchmarks


class Last(nn.Module):
    """Channels last, as Tenon has them when it flattens."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class Image(nn.Module):
    """(rows, columns) with one channel in front."""

    def forward(self, x):
        return x[:, None]


def small_cnn():
    return nn.Sequential(Image(), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), Last(),
                         nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def image_resnet20():
    return nn.Sequential(Image(), *resnet20(1))


class Characters(nn.Module):
    def __init__(self, vocabulary=65, features=32, units=128):
        super().__init__()
        self.table = nn.Embedding(vocabulary, features)
        self.recurrent = nn.LSTM(features, units, batch_first=True)
        self.last = nn.Linear(units, vocabulary)

    def forward(self, x):
        return self.last(self.recurrent(self.table(x))[0])


class Sequence(nn.Module):
    """The last state of a recurrent layer to one number."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent
        self.last = nn.Linear(recurrent.hidden_size, 1)

    def forward(self, x):
        return self.last(self.recurrent(x)[0][:, -1])


# ---- parameters ---------------------------------------------------------------------------------

PARAMETERS = ("weight", "recurrent_weight", "bias", "recurrent_bias", "gamma", "beta")


def places(net):
    """The parameters in Tenon's order. Its recurrent layers have one bias where PyTorch has two,
    whose sum would move twice as far: the second one stays zero, but for the part of a GRU's
    candidate, which Tenon has too."""
    for module in net.modules():
        if isinstance(module, nn.RNNBase):
            yield from (module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0)
            with torch.no_grad():
                module.bias_hh_l0.zero_()
            if isinstance(module, nn.GRU):
                mask = torch.zeros_like(module.bias_hh_l0)
                mask[2 * module.hidden_size:] = 1
                module.bias_hh_l0.register_hook(lambda gradient, mask=mask: gradient * mask)
                yield module.bias_hh_l0[2 * module.hidden_size:]
            else:
                module.bias_hh_l0.requires_grad = False
        elif not list(module.children()):
            yield from (p for p in module.parameters())


def load(net, tensors):
    """tensors: {Tenon's name: array}, in the order of the model file."""
    wanted = [a for name, a in tensors.items() if name.split(".")[-1] in PARAMETERS]
    found = list(places(net))
    assert [list(a.shape) for a in wanted] == [list(p.shape) for p in found], "another network"
    with torch.no_grad():
        for parameter, array in zip(found, wanted):
            parameter.copy_(torch.from_numpy(np.array(array)))


def count(net):
    return sum(p.numel() for p in places(net))
