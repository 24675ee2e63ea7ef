"""The counters against multiplications that are really done, one by one, by a program that computes the layer."""

from itertools import product

import numpy as np
import pytest

from tconv.models import read
from tests.models.graphs import integers, model, node, run


class Counted:
    """A number that counts how often numbers of its kind are multiplied."""

    done = 0

    def __init__(self, value):
        self.value = value

    def __mul__(self, other):
        Counted.done += 1
        return self.value * other.value


def counted(array):
    return np.vectorize(Counted, otypes=[object])(array)


def transposed(x, kernel, *, strides, pads, dilations, groups, fine):
    """ONNX's own definition in loops: a product is made for every cell of the result that it reaches, and no other."""
    rank, ins, outs = len(strides), x.shape[1] // groups, kernel.shape[1]
    y = np.zeros((x.shape[0], outs * groups, *fine))
    for n, c, row in product(range(x.shape[0]), range(x.shape[1]), range(outs)):
        for cell in np.ndindex(x.shape[2:]):
            for tap in np.ndindex(kernel.shape[2:]):
                at = tuple(cell[a] * strides[a] + tap[a] * dilations[a] - pads[a] for a in range(rank))
                if all(0 <= place < size for place, size in zip(at, fine)):
                    y[(n, c // ins * outs + row, *at)] += x[(n, c, *cell)] * kernel[(c, row, *tap)]
    return y


def ordinary(x, kernel, *, strides, pads, dilations, groups, coarse):
    """The same of a convolution: padding is left out, since nothing is multiplied with it."""
    rank, ins, outs = len(strides), kernel.shape[1], kernel.shape[0] // groups
    y = np.zeros((x.shape[0], kernel.shape[0], *coarse))
    for n, d, row in product(range(x.shape[0]), range(kernel.shape[0]), range(ins)):
        for cell in np.ndindex(*coarse):
            for tap in np.ndindex(kernel.shape[2:]):
                at = tuple(cell[a] * strides[a] + tap[a] * dilations[a] - pads[a] for a in range(rank))
                if all(0 <= place < size for place, size in zip(at, x.shape[2:])):
                    y[(n, d, *cell)] += x[(n, d // outs * ins + row, *at)] * kernel[(d, row, *tap)]
    return y


def drawn(seed):
    """A random layer as a model, its input and kernel, and its setting."""
    rng = np.random.default_rng(seed)
    rank, groups = int(rng.choice([1, 1, 2])), int(rng.integers(1, 3))
    kernel, strides = rng.integers(1, 5 if rank == 1 else 4, rank), rng.integers(1, 4, rank)
    dilations = rng.integers(1, 3, rank)
    reach = (kernel - 1) * dilations + 1
    kind = ("ConvTranspose", "Conv", "Resize")[seed % 3]
    if kind == "Resize":
        strides = np.ones(rank, int)
    grid = rng.integers(2, 6, rank) + (0 if kind == "ConvTranspose" else reach)
    begin = rng.integers(0, reach)
    end = rng.integers(0, np.minimum(reach, (grid - 1) * strides + reach - begin))
    ins, outs = (int(count) * groups for count in rng.integers(1, 3, 2))
    taps = integers((ins, outs // groups, *kernel) if kind == "ConvTranspose" else (outs, ins // groups, *kernel), seed)
    setting = {"strides": strides.tolist(), "dilations": dilations.tolist(), "group": groups,
               "pads": [*begin.tolist(), *end.tolist()]}
    x = integers((int(rng.integers(1, 3)), ins, *grid), seed + 1)
    if kind != "Resize":
        return kind, setting, x, taps, model([node(kind, "x w", "y", **setting)], [("w", taps)], given=("x", x.shape))
    scales = np.array([1, 1, *[2] * rank], np.float32)
    nodes = [node("Resize", "x none scales", "big", mode="nearest", coordinate_transformation_mode="asymmetric",
                  nearest_mode="floor"), node("Conv", "big w", "y", **setting)]
    nodes[0].input[1] = ""
    return kind, setting, x, taps, model(nodes, [("w", taps), ("scales", scales)], given=("x", x.shape))


@pytest.mark.parametrize("block", range(10))
def test_the_counter_agrees_with_the_multiplications_of_a_program_that_computes_the_layer(block):
    """500 random layers: transposed convolutions, convolutions, and resizes with a convolution behind them."""
    for seed in range(50 * block, 50 * block + 50):
        kind, setting, x, taps, proto = drawn(seed)
        want = run(proto, x=x)
        (fact,) = read(proto).layers
        settings = {"strides": setting["strides"], "dilations": setting["dilations"],
                    "pads": setting["pads"][:x.ndim - 2], "groups": setting["group"]}
        Counted.done = 0
        if kind == "ConvTranspose":
            have = transposed(counted(x), counted(taps), fine=want.shape[2:], **settings)
        else:
            for axis in range(2, x.ndim) if kind == "Resize" else ():
                x = np.repeat(x, 2, axis)
            have = ordinary(counted(x), counted(taps), coarse=want.shape[2:], **settings)
        assert (have == want).all(), seed
        assert fact.multiply_adds == Counted.done, (seed, kind, setting)
        coarse = x.shape[2:] if kind == "ConvTranspose" else want.shape[2:]
        assert fact.executed["columns"] == x.shape[0] * taps.size * np.prod(coarse)
        assert fact.output == want.shape[2:]
