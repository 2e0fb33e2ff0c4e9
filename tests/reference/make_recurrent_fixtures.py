#!/usr/bin/python3
"""Writes recurrent_options.safetensors, the fixture of the options of recurrent layers
(tests/support/recurrent_torch.h), with PyTorch (made with 1.13, Debian's python3-torch).

    make_recurrent_fixtures.py [FOLDER]

Each case is a net in double: a Linear layer without bias, `dense`, and a recurrent one behind it;
where that begins with given states, a Linear layer `first` makes them of the whole input. Padded
steps of the input are 0. The recurrent layer is PyTorch's own, on packed sequences, where it has the
options; else it is written out below, step by step (layer normalization, zoneout outside training,
the direction reverse), which is first compared with PyTorch's own. A case NAME has NAME/x, NAME/y,
NAME/target, NAME/init/*, NAME/grad/* of loss = sum of target times y, and NAME/after/*: parameters
after five steps w -= 0.05 dloss/dw. Of a case KIND-stateful, x, y and target have as many windows of STEPS
steps behind each other as there are steps w: each begins with the states with which the one before
ended, which no gradient passes; grad is of the second one. Each case has the first seed with which PyTorch's run in float
stays near that in double, so that the suite's bound for float tests Tenon and not the case.
"""
import pathlib
import sys

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from make_fixtures import save

SAMPLES, STEPS, FEATURES, WIDTH, UNITS, PROJECTION = 4, 6, 2, 3, 4, 2
DESCENTS = 5
LENGTHS = [4, 6, 1, 3]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
DEFAULTS = dict(direction="forward", sequences=True, lengths=False, first=False, projection=0,
                layer_norm=False, zoneout=0.0, zoneout_cell=0.0, return_state=False)


class Layer:
    """Parameters by Tenon's names, drawn as they are asked for."""

    def __init__(self, kind, seed, dtype, **options):
        self.kind, self.dtype = kind, dtype
        for key, value in {**DEFAULTS, **options}.items():
            setattr(self, key, value)
        self.draw, self.param = torch.Generator().manual_seed(seed), {}
        self.states = self.projection or UNITS
        self.directions = {"forward": [0], "reverse": [1], "bidirectional": [0, 1]}[self.direction]

    def random(self, *shape):
        drawn = torch.rand(*shape, generator=self.draw, dtype=torch.float64) * 1.6 - 0.8
        return drawn.to(self.dtype)

    def get(self, name, *shape, centre=0):
        if name not in self.param:
            self.param[name] = (self.random(*shape) + centre).requires_grad_()
        return self.param[name]

    def of(self, name, direction, *shape, centre=0):
        second = direction if self.direction == "bidirectional" else 0
        return self.get(f"{self.kind}.{name}{'_reverse' if second else ''}", *shape, centre=centre)

    # ---- PyTorch's own

    def torchs(self, x, lengths, first):
        make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[self.kind]
        more = {"proj_size": self.projection} if self.projection else {}
        net = make(WIDTH, UNITS, batch_first=True, bidirectional=len(self.directions) == 2, **more)
        own = {}
        for d in self.directions:
            n, end = GATES[self.kind] * UNITS, "_l0" + "_reverse" * d
            bias = self.of("bias", d, n)
            own["weight_ih" + end] = self.of("weight", d, n, WIDTH)
            own["weight_hh" + end] = self.of("recurrent_weight", d, n, self.states)
            own["bias_ih" + end] = bias
            own["bias_hh" + end] = torch.zeros(n, dtype=self.dtype)
            if self.kind == "gru":
                own["bias_hh" + end] = torch.cat(
                    (own["bias_hh" + end][: 2 * UNITS], self.of("recurrent_bias", d, UNITS)))
            if self.projection:
                own["weight_hr" + end] = self.of("projection", d, self.projection, UNITS)
        begin = None
        if first is not None:
            begin = [torch.stack(part, 0) for part in self.parts(first)]
            begin = tuple(begin) if self.kind == "lstm" else begin[0]
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        net._flat_weights = [own[name] for name in net._flat_weights_names]
        y, last = net(packed, begin)
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=STEPS)
        last = last if self.kind == "lstm" else (last,)
        return y, [torch.cat(list(part), 1) for part in last]

    def parts(self, first):
        """States to begin with: [h of each direction], [c of each direction]"""
        d = len(self.directions)
        sizes = [self.states] * d + [UNITS] * (d if self.kind == "lstm" else 0)
        each = torch.split(first, sizes, 1)
        return [list(each[:d]), list(each[d:])][: 1 + (self.kind == "lstm")]

    # ---- written out

    def norm(self, a, name, d, count):
        gamma = self.of(name, d, count, centre=1)
        gates = a.reshape(a.shape[:-1] + (-1, UNITS))
        spread = gates - gates.mean(-1, keepdim=True)
        spread = spread / torch.sqrt((spread * spread).mean(-1, keepdim=True) + 1e-5)
        return gamma * spread.reshape(a.shape)

    def sums(self, x, h, d):
        n = GATES[self.kind] * UNITS
        z = x @ self.of("weight", d, n, WIDTH).T
        u = h @ self.of("recurrent_weight", d, n, self.states).T
        bias = self.of("bias", d, n)
        if not self.layer_norm:
            return z + bias, u
        if self.kind == "rnn":
            return self.norm(z + u, "gamma", d, n) + bias, torch.zeros_like(u)
        return self.norm(z, "gamma", d, n) + bias, self.norm(u, "recurrent_gamma", d, n)

    def cell(self, x, h, c, d):
        z, u = self.sums(x, h, d)
        if self.kind == "rnn":
            return torch.tanh(z + u), c
        if self.kind == "gru":
            zr, zz, zn = torch.split(z, UNITS, -1)
            ur, uz, un = torch.split(u, UNITS, -1)
            r, k = torch.sigmoid(zr + ur), torch.sigmoid(zz + uz)
            m = torch.tanh(zn + r * (un + self.of("recurrent_bias", d, UNITS)))
            return (1 - k) * m + k * h, c
        i, f, g, o = torch.split(z + u, UNITS, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        seen = c
        if self.layer_norm:
            seen = self.norm(c, "cell_gamma", d, UNITS) + self.of("cell_beta", d, UNITS)
        h = torch.sigmoid(o) * torch.tanh(seen)
        if self.projection:
            h = h @ self.of("projection", d, self.projection, UNITS).T
        return h, c

    def sample(self, x, length, h, c, d):
        """One sample and direction: outputs, last states."""
        out = [torch.zeros(self.states, dtype=self.dtype)] * STEPS
        for step in range(length):
            time = length - 1 - step if d else step
            fresh, cell = self.cell(x[time], h, c, d)
            h = self.zoneout * h + (1 - self.zoneout) * fresh
            c = self.zoneout_cell * c + (1 - self.zoneout_cell) * cell
            out[time] = h
        return torch.stack(out), h, c

    def written_out(self, x, lengths, first):
        zeros = torch.zeros(SAMPLES, 100, dtype=self.dtype)
        parts = self.parts(first) if first is not None else None
        y, states, cells = [], [], []
        for k, d in enumerate(self.directions):
            h = parts[0][k] if parts else zeros[:, : self.states]
            c = parts[1][k] if parts and self.kind == "lstm" else zeros[:, :UNITS]
            made = [self.sample(x[s], lengths[s], h[s], c[s], d) for s in range(SAMPLES)]
            y.append(torch.stack([m[0] for m in made]))
            states.append(torch.stack([m[1] for m in made]))
            cells.append(torch.stack([m[2] for m in made]))
        return torch.cat(y, -1), [torch.cat(states, -1), torch.cat(cells, -1)]

    # ---- the net

    def output(self, x, lengths, forward):
        dense = self.get("dense.weight", WIDTH, FEATURES)
        first = None
        if self.first:
            cells = UNITS if self.kind == "lstm" else 0
            width = len(self.directions) * (self.states + cells)
            first = x.reshape(SAMPLES, -1) @ self.get("first.weight", width, STEPS * FEATURES).T
        y, last = forward(x @ dense.T, lengths, first)
        if self.sequences:
            return y
        return torch.cat(last[:2], 1) if self.return_state else last[0]

    def forward(self):
        special = self.layer_norm or self.zoneout or self.zoneout_cell
        return self.written_out if special or self.direction == "reverse" else self.torchs


def windows(name, layer):
    """Truncated back-propagation through time."""
    x = layer.random(SAMPLES, DESCENTS * STEPS, FEATURES)
    target = layer.random(SAMPLES, DESCENTS * STEPS, layer.states)
    numpy = lambda t: t.detach().contiguous().numpy().copy()
    out, y, first = {"x": numpy(x), "target": numpy(target)}, [], None
    for step in range(DESCENTS):
        window = slice(step * STEPS, (step + 1) * STEPS)
        for value in layer.param.values():
            value.grad = None
        sequence = x[:, window] @ layer.get("dense.weight", WIDTH, FEATURES).T
        made, last = layer.torchs(sequence, [STEPS] * SAMPLES, first)
        if not step:
            out.update({f"init/{k}": numpy(v) for k, v in layer.param.items()})
        (made * target[:, window]).sum().backward()
        if step == 1:
            out.update({f"grad/{k}": numpy(v.grad) for k, v in layer.param.items()})
        y.append(made)
        first = torch.cat(last, 1).detach()
        with torch.no_grad():
            for value in layer.param.values():
                value -= 0.05 * value.grad
    out["y"] = numpy(torch.cat(y, 1))
    out.update({f"after/{k}": numpy(v) for k, v in layer.param.items()})
    return {f"{name}/{k}": v for k, v in out.items()}


def tensors(name, layer):
    if name.endswith("-stateful"):
        return windows(name, layer)

    lengths = LENGTHS if layer.lengths else [STEPS] * SAMPLES
    x = layer.random(SAMPLES, STEPS, FEATURES)
    for s, length in enumerate(lengths):
        x[s, length:] = 0
    run = lambda: layer.output(x, lengths, layer.forward())
    y = run()
    if layer.forward() == layer.torchs:
        again = layer.output(x, lengths, layer.written_out)
        assert (again - y).abs().max() < (1e-12 if y.dtype == torch.float64 else 1e-5), name
    target = layer.random(*y.shape)
    numpy = lambda t: t.detach().contiguous().numpy().copy()
    out = {"x": numpy(x), "y": numpy(y), "target": numpy(target)}
    out.update({f"init/{k}": numpy(v) for k, v in layer.param.items()})
    for step in range(DESCENTS):
        for value in layer.param.values():
            value.grad = None
        (run() * target).sum().backward()
        if not step:
            out.update({f"grad/{k}": numpy(v.grad) for k, v in layer.param.items()})
        with torch.no_grad():
            for value in layer.param.values():
                value -= 0.05 * value.grad
    out.update({f"after/{k}": numpy(v) for k, v in layer.param.items()})
    return {f"{name}/{k}": v for k, v in out.items()}


def cases():
    both, last = dict(direction="bidirectional"), dict(sequences=False)
    ragged, first = dict(lengths=True), dict(first=True)
    for kind in GATES:
        yield f"{kind}-stateful", kind, {}
        yield f"{kind}-lengths", kind, ragged
        yield f"{kind}-lengths-last", kind, {**ragged, **last}
        yield f"{kind}-lengths-reverse", kind, {**ragged, "direction": "reverse"}
        yield f"{kind}-lengths-both-last", kind, {**ragged, **both, **last}
        yield f"{kind}-first", kind, first
        yield f"{kind}-first-both", kind, {**first, **both, **ragged}
        yield f"{kind}-norm", kind, dict(layer_norm=True)
        yield f"{kind}-norm-both", kind, {"layer_norm": True, **both, **ragged, **first}
        yield f"{kind}-zoneout", kind, dict(zoneout=0.3)
        yield f"{kind}-zoneout-both", kind, {"zoneout": 0.2, **both, **ragged, **first, **last}
    state, small = dict(return_state=True, sequences=False), dict(projection=PROJECTION)
    yield "lstm-state", "lstm", {**state, **ragged}
    yield "lstm-state-both", "lstm", {**state, **both, **first, **ragged}
    yield "lstm-projection", "lstm", small
    yield "lstm-projection-last", "lstm", {**small, **last, **ragged}
    yield "lstm-projection-state", "lstm", {**small, **state, **both, **ragged, **first}
    yield "lstm-zoneout-cell", "lstm", dict(zoneout_cell=0.4, zoneout=0.1)
    yield "lstm-all", "lstm", {**small, **state, **both, **ragged, **first, "layer_norm": True,
                               "zoneout": 0.2, "zoneout_cell": 0.3}


def strays(rough, exact):
    return max(abs(rough[k] - v).max() / max(1, abs(v).max()) for k, v in exact.items())


def settled(name, kind, options):
    for seed in range(100):
        exact = tensors(name, Layer(kind, seed, torch.float64, **options))
        rough = tensors(name, Layer(kind, seed, torch.float32, **options))
        if strays(rough, exact) < 1.5e-6:
            return exact
    raise ValueError(name)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    out = {}
    for name, kind, options in cases():
        out.update(settled(name, kind, options))
    save(folder / "recurrent_options.safetensors", out)


if __name__ == "__main__":
    main()
