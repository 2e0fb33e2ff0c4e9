#!/usr/bin/env python3
"""The workloads of bench/workloads.c in JAX: each step is one compiled function of the state, whose
buffers it is given to write the new state into.

    bench/peers/jax_steps.py NAME [--variant V] [--threads N] [--seconds S] [--serve]
    bench/peers/jax_steps.py NAME --variants     {"": [ways that do the same]}

XLA has no option for its number of threads: it starts one for each core that the process may use.
Ways: a computation is handed to a thread of XLA (async) or made by the caller (sync); weights lie
as inputs x outputs, or as outputs x inputs (by_rows), for which XLA has other products.
"""
import os

import measure

WORKLOADS = ["W1", "W2relu", "W2sigmoid", "W3sgd", "W3adam", "W3drop", "W3full", "W3fulladam", "W4",
             "W9", "W1inf", "W3inf", "W7inf", "W9inf"]
given = measure.arguments(__doc__.split("\n\n")[0], WORKLOADS,
                          {"": ["async", "sync", "async_by_rows", "sync_by_rows"]})
measure.start_again(given.threads, NPROC=str(given.threads), JAX_PLATFORMS="cpu")
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:given.threads])

import jax  # noqa: E402 - counts the cores
import jax.numpy as jnp  # noqa: E402

BY_ROWS = given.variant.endswith("by_rows")
jax.config.update("jax_cpu_enable_async_dispatch", given.variant.startswith("async"))

RATE, ADAM_RATE, MOMENTUM = 1e-3, 1e-4, 0.9
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
L1, L2, CLIP = 1e-5, 1e-4, 1.0  # of W3full: L1 |w| + L2 w^2 for every weight
DROPS, KEEP = ("W3drop", "W3full", "W3fulladam"), 0.5
NORM_EPSILON, NORM_MOMENTUM = 1e-5, 0.1

# ---- networks ---------------------------------------------------------------------------------
# Each is (samples, inputs, classes), a function that makes parameters and running statistics, and
# forward(parameters, statistics, x, key, trains), which gives outputs and statistics. Without a
# key nothing is dropped.


def weight_of(key, inputs, outputs):
    bound = inputs ** -0.5
    shape = (outputs, inputs) if BY_ROWS else (inputs, outputs)
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def product(x, weight):
    return jnp.einsum("si,oi->so", x, weight) if BY_ROWS else x @ weight


def layers(samples, sizes, activation=jax.nn.relu):
    def start():
        keys = jax.random.split(jax.random.key(1), len(sizes))
        return [(weight_of(key, inputs, outputs), jnp.zeros(outputs))
                for key, inputs, outputs in zip(keys, sizes, sizes[1:])], []

    def forward(parameters, statistics, x, key, trains):
        for weight, bias in parameters[:-1]:
            x = activation(product(x, weight) + bias)
            if key is not None:
                key, own = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(own, KEEP, x.shape), x / KEEP, 0)
        weight, bias = parameters[-1]
        return product(x, weight) + bias, statistics

    return (samples, sizes[0], sizes[-1]), start, forward


def normalize(x, scale, shift, statistics, trains):
    mean, variance = statistics
    if trains:
        mean, variance = x.mean(0), x.var(0)
        unbiased = variance * (len(x) / (len(x) - 1))
        statistics = [old + NORM_MOMENTUM * (new - old)
                      for old, new in zip(statistics, (mean, unbiased))]
    return (x - mean) * (scale * jax.lax.rsqrt(variance + NORM_EPSILON)) + shift, statistics


def residual():
    def start():
        first, *bodies, last = jax.random.split(jax.random.key(1), 22)
        parameters = [(weight_of(first, 256, 256), jnp.zeros(256)),
                      [(weight_of(key, 256, 256), jnp.ones(256), jnp.zeros(256)) for key in bodies],
                      (weight_of(last, 256, 10), jnp.zeros(10))]
        return parameters, [[jnp.zeros(256), jnp.ones(256)] for _ in bodies]

    def forward(parameters, statistics, x, key, trains):
        first, bodies, last = parameters
        x, found = product(x, first[0]) + first[1], []
        for (weight, scale, shift), old in zip(bodies, statistics):
            y, new = normalize(product(x, weight), scale, shift, old, trains)
            x = x + jax.nn.relu(y)
            found.append(new)
        return product(x, last[0]) + last[1], found

    return (128, 256, 10), start, forward


W1, W2, W3 = [12288, 1000, 500, 2], [12288] + 9 * [1000] + [2], [784, 256, 128, 10]


def network_of(workload):
    if workload.startswith("W1"):
        return layers(100, W1)
    if workload.startswith("W2"):
        return layers(100, W2, jax.nn.sigmoid if workload == "W2sigmoid" else jax.nn.relu)
    if workload.startswith("W3"):
        return layers(64, W3)
    if workload == "W4":
        return layers(32, [64, 32, 10])
    return layers(1, [12288, 100, 2]) if workload == "W7inf" else residual()


def facts(parameters, samples, training):
    """Parameters, and arithmetic of the products of a step as bench/workloads.c counts it."""
    leaves = jax.tree.leaves(parameters)
    products = [2 * leaf.size for leaf in leaves if leaf.ndim == 2]
    flops = samples * (3 * sum(products) - products[0] if training else sum(products))
    return {"parameters": sum(leaf.size for leaf in leaves), "flops": flops}


# ---- updates ----------------------------------------------------------------------------------

def descend(parameters, gradients, slots):
    return jax.tree.map(lambda w, g: w - RATE * g, parameters, gradients), slots


def descend_with_momentum(parameters, gradients, slots):
    slots = jax.tree.map(lambda v, g: MOMENTUM * v + g, slots, gradients)
    return jax.tree.map(lambda w, v: w - RATE * v, parameters, slots), slots


def adam(parameters, gradients, slots):
    count, first, second = slots
    count = count + 1
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradients)
    rate, root = ADAM_RATE / (1 - BETA1 ** count), (1 - BETA2 ** count) ** -0.5
    parameters = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) * root + EPSILON),
                              parameters, first, second)
    return parameters, (count, first, second)


def optimizer_of(workload, parameters):
    """Slots, and a function of parameters, gradients and slots."""
    def zeros():
        return jax.tree.map(jnp.zeros_like, parameters)

    if workload.endswith("adam"):
        return (jnp.float32(0), zeros(), zeros()), adam
    if workload.startswith(("W3", "W9")):
        return zeros(), descend_with_momentum
    return (), descend


def clip(gradients):
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(gradients)))
    return jax.tree.map(lambda g: g * jnp.minimum(1, CLIP / norm), gradients)


def penalties(parameters):
    weights = [leaf for leaf in jax.tree.leaves(parameters) if leaf.ndim == 2]
    return sum(L1 * jnp.abs(w).sum() + L2 * jnp.square(w).sum() for w in weights)


# ---- steps ------------------------------------------------------------------------------------

def trainer(workload, forward, update):
    """A function that makes one update on a batch."""
    full = workload.startswith("W3full")

    def loss_of(parameters, statistics, x, label, key):
        y, statistics = forward(parameters, statistics, x, key, True)
        chosen = (y * jax.nn.one_hot(label, y.shape[1])).sum(1)
        loss = (jax.nn.logsumexp(y, 1) - chosen).mean()
        return loss + penalties(parameters) if full else loss, statistics

    def step(state, x, label):
        parameters, statistics, slots, key = state
        key, own = (None, None) if key is None else jax.random.split(key)
        (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            parameters, statistics, x, label, own)
        if full:
            gradients = clip(gradients)
        parameters, slots = update(parameters, gradients, slots)
        return (parameters, statistics, slots, key), loss

    return jax.jit(step, donate_argnums=0)


def batch(samples, inputs, classes):
    x = jax.random.uniform(jax.random.key(2), (samples, inputs), minval=-1, maxval=1)
    label = jax.random.randint(jax.random.key(3), (samples,), 0, classes)
    return jax.block_until_ready((x, label))


def train(workload):
    shape, start, forward = network_of(workload)
    x, label = batch(*shape)
    measure.forget_peak()
    base = measure.memory("VmRSS:")
    parameters, statistics = start()
    known = facts(parameters, len(x), True)
    slots, update = optimizer_of(workload, parameters)
    step = trainer(workload, forward, update)
    state = parameters, statistics, slots, jax.random.key(4) if workload in DROPS else None

    def once():
        nonlocal state
        state, loss = step(state, x, label)
        jax.block_until_ready((state, loss))

    return once, base, known


def infer(workload):
    shape, start, forward = network_of(workload)
    x, _ = batch(*shape)
    measure.forget_peak()
    base = measure.memory("VmRSS:")
    model = jax.block_until_ready(start())

    def predict(model, x):
        return forward(*model, x, None, False)[0]

    step = jax.jit(predict)
    return lambda: step(model, x).block_until_ready(), base, facts(model[0], len(x), False)


# ---- main -------------------------------------------------------------------------------------

def main():
    make = infer if given.workload.endswith("inf") else train
    step, base, known = make(given.workload)
    measure.run(given, "jax " + jax.__version__, step, base, **known)


main()
