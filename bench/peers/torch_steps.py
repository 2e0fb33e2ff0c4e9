#!/usr/bin/python3
"""The workloads of bench/workloads.c in PyTorch, the same networks written in every way that may
be the fastest, and one as people write it.

    bench/peers/torch_steps.py NAME [--variant V] [--threads N] [--seconds S] [--serve]
    bench/peers/torch_steps.py NAME --variants     {"": [ways that do the same], "what else": ...}
    bench/peers/torch_steps.py NAME --export FILE  the network of an inference workload as ONNX

With Debian's PyTorch it takes care of what costs that one a factor of three: OpenBLAS on OpenMP
(package libopenblas0-openmp), or two pools of threads fight for the cores.
"""
import glob
import gzip
import json
import os
import sys

import measure

WORKLOADS = ["W1", "W2relu", "W2sigmoid", "W3sgd", "W3adam", "W3drop", "W3full", "W3fulladam", "W4",
             "W5", "W5bn", "W6lstm", "W6gru", "W9", "ResNet20", "W1inf", "W3inf", "W5inf",
             "W5bninf", "W5oneinf", "W6lstminf", "W6gruinf", "W7inf", "W9inf", "W8", "W8files"]
given = measure.arguments(__doc__.split("\n\n")[0], WORKLOADS)
OPENBLAS = [f"/usr/lib/{os.uname().machine}-linux-gnu/openblas-openmp/{name}"
            for name in ("libblas.so.3", "libopenblas.so.0")]
DEBIAN = glob.glob("/usr/lib/python3/dist-packages/torch") and sys.executable.startswith("/usr/bin")
measure.start_again(given.threads, **(
    {"LD_PRELOAD": " ".join(OPENBLAS)} if DEBIAN and all(map(os.path.exists, OPENBLAS)) else {}))

import torch  # noqa: E402 - its libraries read the environment
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from resnet import resnet20  # noqa: E402

torch.set_num_threads(given.threads)
COMPILES = hasattr(torch, "compile")
L1, L2 = 1e-5, 1e-4  # of W3full: L1 |w| + L2 w^2 for every weight
CLIP = 1.0

# ---- networks ---------------------------------------------------------------------------------


def layers(sizes, activation=nn.ReLU, dropout=0):
    found = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        found.append(nn.Linear(inputs, outputs))
        if i < len(sizes) - 2:
            found.append(activation())
            if dropout:
                found.append(nn.Dropout(dropout))
    return nn.Sequential(*found)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(256, 256)
        self.body = nn.ModuleList(nn.Sequential(nn.Linear(256, 256, bias=False),
                                                nn.BatchNorm1d(256), nn.ReLU()) for _ in range(20))
        self.last = nn.Linear(256, 10)

    def forward(self, x):
        x = self.first(x)
        for body in self.body:
            x = x + body(x)
        return self.last(x)


def images(norm):
    found, channels = [], 3
    for filters in (16, 32, 64):
        found.append(nn.Conv2d(channels, filters, 3, padding=1))
        if norm:
            found.append(nn.BatchNorm2d(filters))
        found += [nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*found, nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Dropout(0.5),
                         nn.Linear(128, 2))


class Sequence(nn.Module):
    """64 steps of 64 features through a recurrent layer; its last state decides."""

    def __init__(self, layer):
        super().__init__()
        self.recurrent = layer(64, 256, batch_first=True)
        self.last = nn.Linear(256, 2)

    def forward(self, x):
        return self.last(self.recurrent(x.view(-1, 64, 64))[0][:, -1])


W1, W3 = [12288, 1000, 500, 2], [784, 256, 128, 10]
W2 = [12288] + 9 * [1000] + [2]
NETWORKS = {  # batch, shape of a sample, classes, network
    "W1": (100, (12288,), 2, lambda: layers(W1)),
    "W2relu": (100, (12288,), 2, lambda: layers(W2)),
    "W2sigmoid": (100, (12288,), 2, lambda: layers(W2, nn.Sigmoid)),
    "W3": (64, (784,), 10, lambda: layers(W3)),
    "W3drop": (64, (784,), 10, lambda: layers(W3, dropout=0.5)),
    "W4": (32, (64,), 10, lambda: layers([64, 32, 10])),
    "W5": (32, (3, 64, 64), 2, lambda: images(norm=False)),
    "W5bn": (32, (3, 64, 64), 2, lambda: images(norm=True)),
    "W5one": (1, (3, 64, 64), 2, lambda: images(norm=False)),
    "W6lstm": (32, (4096,), 2, lambda: Sequence(nn.LSTM)),
    "W6gru": (32, (4096,), 2, lambda: Sequence(nn.GRU)),
    "W7": (1, (12288,), 2, lambda: layers([12288, 100, 2])),
    "W9": (128, (256,), 10, Residual),
    "ResNet20": (64, (3, 32, 32), 10, lambda: resnet20(3)),
}
CHANNELS_LAST = "_channels_last"  # of a variant: how images lie in memory


def network_of(workload):
    name = workload[:-3] if workload.endswith("inf") else workload
    name = {"W3sgd": "W3", "W3adam": "W3", "W3full": "W3drop", "W3fulladam": "W3drop",
            "W8": "W3", "W8files": "W3"}.get(name, name)
    return NETWORKS[name]


def takes_images(workload):
    return len(network_of(workload)[1]) > 1


def laid_out(variant, *of):
    """Networks or images, in the layout that the variant asks for."""
    if not variant.endswith(CHANNELS_LAST):
        return of
    return [one.to(memory_format=torch.channels_last) for one in of]


def optimizer_of(workload, model, decay=0, **how):
    if workload in ("W3adam", "W3fulladam"):
        return torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=decay, **how)
    momentum = 0.9 if workload.startswith(("W3", "W5", "W8", "W9", "ResNet")) else 0
    rate = 0.05 if workload.startswith("W8") else 1e-3
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum, weight_decay=decay,
                           **how)


def positions_of(model, example):
    """Pixels of the output of each convolution, by its weight."""
    found = {}

    def note(layer, _, output):
        found[layer.weight] = output[0, 0].numel()

    hooks = [layer.register_forward_hook(note) for layer in model.modules()
             if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        model.eval()(example)
    for hook in hooks:
        hook.remove()
    return found


def biases_too_many(model):
    """Each gate has two, of which one is enough, but for the candidate of a GRU."""
    if not isinstance(model, Sequence):
        return 0
    return (2 if isinstance(model.recurrent, nn.GRU) else 4) * model.recurrent.hidden_size


def facts(model, example, samples, training):
    """Parameters, and arithmetic of the products of a step as bench/workloads.c counts it."""
    steps = 64 if isinstance(model, Sequence) else 1
    positions = positions_of(model, example)
    products = [2 * steps * positions.get(p, 1) * p.numel() for p in model.parameters()
                if p.dim() > 1]
    flops = samples * (3 * sum(products) - products[0] if training else sum(products))
    count = sum(p.numel() for p in model.parameters()) - biases_too_many(model)
    return {"parameters": count, "flops": flops}


# ---- training ---------------------------------------------------------------------------------

def training_variants(workload):
    ways = ["eager", "foreach", "jit"] + (["compile"] if COMPILES else [])
    if workload.startswith("W3full"):
        return {"": ways, "penalties by hand": [f"{way}_by_hand" for way in ways]}
    if takes_images(workload):
        ways += [way + CHANNELS_LAST for way in ways]
    return {"": ways}


def weights(model):
    return [p for p in model.parameters() if p.dim() == 2]


def penalize_loss(model, loss):
    """As people write it: the penalties are part of what is differentiated."""
    absolute = sum(w.abs().sum() for w in weights(model))
    squares = sum(w.pow(2).sum() for w in weights(model))
    return loss + L1 * absolute + L2 * squares


def trainer(workload, variant, model, example):
    """A function that makes one update on a batch."""
    by_hand = variant.endswith("_by_hand")
    way = variant.replace("_by_hand", "").replace(CHANNELS_LAST, "")
    full = workload.startswith("W3full")
    model.train()
    optimizer = optimizer_of(workload, model, 2 * L2 if by_hand else 0,
                             foreach=way in ("foreach", "jit", "compile"))
    forward = model
    if way == "jit":
        forward = torch.jit.trace(model, example, check_trace=False)
    if way == "compile":
        forward = torch.compile(model)

    def update(x, label):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(forward(x), label)
        if full and not by_hand:
            loss = penalize_loss(model, loss)
        loss.backward()
        if full:
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        if by_hand:
            for w in weights(model):
                w.grad.add_(w.detach().sign(), alpha=L1)
        optimizer.step()

    return update


def train(workload):
    samples, shape, classes, network = network_of(workload)
    x, = laid_out(given.variant, torch.rand(samples, *shape) * 2 - 1)
    label = torch.randint(0, classes, (samples,))
    measure.forget_peak()
    base = measure.memory("VmRSS:")
    model, = laid_out(given.variant, network())
    known = facts(model, x[:1], samples, True)
    update = trainer(workload, given.variant, model, x)
    return lambda: update(x, label), base, known


# ---- inference --------------------------------------------------------------------------------

def inference_variants(workload):
    ways = ["optimized", "frozen", "mkldnn", "eager"] + (["compile"] if COMPILES else [])
    if takes_images(workload):  # mkldnn has layouts of its own
        ways += [way + CHANNELS_LAST for way in ways if way != "mkldnn"]
    return {"": ways}


def predictor(way, model, x):
    if way in ("optimized", "frozen"):
        with torch.no_grad():
            traced = torch.jit.trace(model, x)
            found = (torch.jit.optimize_for_inference(traced) if way == "optimized"
                     else torch.jit.freeze(traced))
            return lambda: found(x)
    if way == "mkldnn":
        from torch.utils import mkldnn
        found = mkldnn.to_mkldnn(model)
        return lambda: found(x.to_mkldnn()).to_dense()
    found = torch.compile(model) if way == "compile" else model
    return lambda: found(x)


def infer(workload):
    samples, shape, _, network = network_of(workload)
    x, = laid_out(given.variant, torch.rand(samples, *shape) * 2 - 1)
    way = given.variant.replace(CHANNELS_LAST, "")
    measure.forget_peak()
    base = measure.memory("VmRSS:")
    model, = laid_out(given.variant, network().eval())
    known = facts(model, x[:1], samples, False)  # before its weights are converted
    predict = predictor(way, model, x)
    guard = torch.inference_mode if way == "eager" else torch.no_grad

    def step():
        with guard():
            predict()

    return step, base, known


def export(workload, path):
    samples, shape, _, network = network_of(workload)
    torch.onnx.export(network().eval(), torch.rand(samples, *shape), path, opset_version=13,
                      input_names=["x"], output_names=["y"])


# ---- epochs -----------------------------------------------------------------------------------

def idx(name, count):
    with gzip.open(os.path.join(given.data, name), "rb") as file:
        data = file.read()
    return torch.frombuffer(bytearray(data[-60000 * count:]), dtype=torch.uint8)


def read_files():
    return (idx("train-images-idx3-ubyte.gz", 784).reshape(-1, 784),
            idx("train-labels-idx1-ubyte.gz", 1).long())


class Images(torch.utils.data.Dataset):
    """Images as bytes, each turned into floats when it is asked for."""

    def __init__(self, x, label):
        self.x, self.label = x, label

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i].float().div(255), int(self.label[i])


def epoch_variants():
    ways = ["foreach", "eager", "jit"] + (["compile"] if COMPILES else [])
    return {"": ways, "as users write it": ["loader"]}


def shuffled(x, label):
    for batch in torch.randperm(len(x)).split(64):
        yield x[batch], label[batch]


def epochs(workload):
    way, loads = given.variant, given.variant == "loader"
    data = None if workload == "W8files" else read_files()
    if data and not loads:
        data = data[0].float() / 255, data[1]
    measure.forget_peak()
    base = measure.memory("VmRSS:")
    model = layers(W3)
    known = facts(model, torch.rand(1, 784), 60000, True)
    update = trainer(workload, "foreach" if loads else way, model, torch.rand(64, 784))

    def batches(x, label):
        if loads:
            return torch.utils.data.DataLoader(Images(x, label), 64, shuffle=True)
        return shuffled(x, label)

    def epoch():
        x, label = data or read_files()
        if not data and not loads:
            x = x.float() / 255
        for batch in batches(x, label):
            update(*batch)

    return epoch, base, known


# ---- main -------------------------------------------------------------------------------------

def main():
    workload = given.workload
    if workload.startswith("W8"):
        variants, make = epoch_variants(), epochs
    elif workload.endswith("inf"):
        variants, make = inference_variants(workload), infer
    else:
        variants, make = training_variants(workload), train
    if given.variants:
        print(json.dumps(variants))
    elif given.export:
        export(workload, given.export)
    else:
        given.variant = given.variant or variants[""][0]
        torch.manual_seed(1)
        step, base, known = make(workload)
        measure.run(given, "torch " + torch.__version__, step, base, **known)


main()
