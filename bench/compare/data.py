"""The data that Tenon trains on, in NumPy, in the order in which Tenon trains: its random numbers
(include/tenon/random.h), orders (core/feed_order.c) and data sets written a second time."""
import csv
import gzip
import math
import pathlib
import struct

import numpy as np

TRAIN, VALIDATION, TEST = range(3)

# ---- random numbers -----------------------------------------------------------------------------


def philox(counter, key):
    """Philox-4x32-10 of counters (n, 4): (n, 4) words."""
    c = np.asarray(counter, np.uint64).reshape(-1, 4).T.copy()
    k0, k1 = (np.uint64(k) for k in key)
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = np.stack([(b >> np.uint64(32)) ^ c[1] ^ k0, b & low,
                      (a >> np.uint64(32)) ^ c[3] ^ k1, a & low])
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c.T


def halves(number):
    return number & 0xFFFFFFFF, number >> 32


def derive(key, a, b):
    return tuple(int(word) for word in philox([*halves(a), *halves(b)], key)[0, :2])


def uniform(key, count):
    counter = np.zeros((count, 4))
    counter[:, 0], counter[:, 2] = np.arange(count), 1
    words = philox(counter, key)
    return ((words[:, 0] << np.uint64(20) ^ words[:, 1] >> np.uint64(12)) + 0.5) * 2.0**-52


def shuffled(count, key):
    """Fisher and Yates' shuffle; a word that would favour small numbers is drawn again."""
    counter = np.zeros((count // 2 + 16, 4))
    counter[:, 0] = np.arange(len(counter))
    words = philox(counter, key)
    stream = iter((words[:, [3, 1]] << np.uint64(32) | words[:, [2, 0]]).ravel().tolist())
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        word = next(stream)
        while word >= 2**64 - 1 - (2**64 - 1) % (i + 1):
            word = next(stream)
        j = word % (i + 1)
        order[i], order[j] = order[j], order[i]
    return np.array(order)


def epoch_order(seed, epoch, count):
    """core/feed.c: the order of the training samples."""
    key = derive(halves(seed), 0x66656564, 2)
    return shuffled(count, derive(key, epoch, 0))


# ---- data sets ----------------------------------------------------------------------------------
# Each gives {split: (inputs, targets)}.


def adding(steps=100, samples=10000, test_samples=1000, seed=0):
    found = {}
    for split, count in ((TRAIN, samples), (TEST, test_samples)):
        x, y = np.zeros((count, steps, 2)), np.zeros((count, 1))
        for index in range(count):
            u = uniform(derive(halves(seed), split, index), steps + 2)
            i, j = int(u[steps] * steps), int(u[steps + 1] * (steps - 1))
            j += j >= i
            x[index, :, 0] = u[:steps]
            x[index, [i, j], 1] = 1
            y[index] = u[i] + u[j]
        found[split] = x, y
    return found


def cut(count, validation_share, test_share=0.0):
    """Where the parts of a sequence begin and end."""
    tested, validated = math.floor(test_share * count), math.floor(validation_share * count)
    return [0, count - tested - validated, count - tested, count]


def text(path, steps=64, validation_share=0.1):
    characters = np.array([ord(c) for c in pathlib.Path(path).read_text("utf-8")])
    ids = np.searchsorted(np.unique(characters), characters)
    found, ends = {}, cut(len(ids), validation_share)
    for split in (TRAIN, VALIDATION):
        part = ids[ends[split]:ends[split + 1]]
        if len(part):
            windows = np.lib.stride_tricks.sliding_window_view(part, steps + 1)[::steps]
            found[split] = windows[:, :-1], windows[:, 1:]
    return found


def series(path, column, steps=12, validation_share=0.2):
    """Also the deviation that the values were divided by."""
    with open(path, newline="", encoding="utf-8") as file:
        values = np.array([float(row[column]) for row in csv.DictReader(file)])
    ends = cut(len(values), validation_share)
    known = values[:ends[1]]
    values = (values - known.mean()) / known.std()
    found = {}
    for split in (TRAIN, VALIDATION):
        first = max(ends[split] - steps, 0)
        if ends[split + 1] - first > steps:
            windows = np.lib.stride_tricks.sliding_window_view(
                values[first:ends[split + 1]], steps + 1)
            found[split] = windows[:, :-1, None], windows[:, -1:]
    return found, known.std()


# ---- images -------------------------------------------------------------------------------------

FILES = {TRAIN: "train", TEST: "t10k"}


def read_idx(path):
    plain = pathlib.Path(path)
    bytes_ = plain.read_bytes() if plain.exists() else gzip.open(f"{path}.gz").read()
    rank = bytes_[3]
    return np.frombuffer(bytes_, np.uint8, offset=4 + 4 * rank).reshape(
        struct.unpack(f">{rank}I", bytes_[4:4 + 4 * rank]))


def write_idx(path, array):
    pathlib.Path(path).write_bytes(struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim,
                                               *array.shape) + array.tobytes())


def images(folder):
    """Images from 0 to 1 and labels, of both splits."""
    return {split: (read_idx(f"{folder}/{name}-images-idx3-ubyte") / 255,
                    read_idx(f"{folder}/{name}-labels-idx1-ubyte").astype(np.int64))
            for split, name in FILES.items()}


def first_images(folder, to, train, test):
    """The folder `to` with the first images of both splits."""
    pathlib.Path(to).mkdir(parents=True, exist_ok=True)
    for name, count in (("train", train), ("t10k", test)):
        for what in ("images-idx3-ubyte", "labels-idx1-ubyte"):
            write_idx(f"{to}/{name}-{what}", read_idx(f"{folder}/{name}-{what}")[:count])
