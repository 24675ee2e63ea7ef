"""Layers drawn from a fixed seed in each framework's own words, and what the relation says they give."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from tconv.conventions import CONVENTIONS, jax, keras, tensorflow, torch
from tconv.errors import ShapeError
from tconv.geometry import Problem, problem_from_coarse
from tests import oracle

SAMPLE = 150
GRID = 2000


@dataclass
class Case:
    """One layer: its words, the problem that the conventions make of them, and arrays of small integers."""

    words: dict[str, Any]
    problem: Problem
    plain: bool  # a convolution; otherwise a transposed one
    x: np.ndarray  # channels-last
    kernel: np.ndarray  # canonical
    extra: dict[str, Any]

    @property
    def rank(self):
        return self.problem.rank

    def expected(self):
        p = self.problem
        setting = {"stride": p.stride, "dilation": p.dilation, "lo": p.lo, "groups": p.groups}
        if self.plain:
            return oracle.conv(self.x, self.kernel, coarse=p.coarse, **setting)
        return oracle.conv_transpose(self.x, self.kernel, fine=p.fine, **setting)

    def check(self, result):
        assert result.shape == self.expected().shape, self
        assert (result == self.expected()).all(), self


def arrays(rng, problem, plain):
    """A batch of two or one, one to three channels a group, integers from -4 to 4."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    rows, columns = rng.randint(1, 3), rng.randint(1, 3) * problem.groups
    sizes, channels = (problem.fine, rows * problem.groups) if plain else (problem.coarse, columns)
    x = numbers.integers(-4, 5, (rng.randint(1, 2), *sizes, channels)).astype(np.float32)
    return x, numbers.integers(-4, 5, (*problem.kernel, rows, columns)).astype(np.float32)


def draw(kind, count, *, seed=0, **limits):
    """`count` cases of a kind; what the conventions refuse for leaving nothing is drawn anew."""
    rng, found = random.Random(f"{kind.__name__} {seed}"), []
    while len(found) < count:
        rank = rng.choice((1, 1, 1, 1, 1, 1, 2, 2, 3))
        try:
            drawn = kind(rng, rank, **limits)
        except ShapeError:
            continue
        if drawn is None or 0 in (*drawn[1].fine, *drawn[1].coarse):
            continue
        words, problem, plain, *extra = drawn
        if kind in ON_XLA and not plain and aborts_xla(problem):
            continue
        found.append(Case(words, problem, plain, *arrays(rng, problem, plain), extra[0] if extra else {}))
    return found


def tuples(rng, rank, low, high):
    return tuple(rng.randint(low, high) for _ in range(rank))


def geometry(rng, rank, dilation=3):
    """Kernel, stride, dilation and coarse or fine sizes, smaller where there are more axes."""
    most = {1: 6, 2: 4, 3: 3}[rank]
    return (tuples(rng, rank, 1, most), tuples(rng, rank, 1, min(most, 4)), tuples(rng, rank, 1, dilation),
            tuples(rng, rank, 1, {1: 6, 2: 3, 3: 2}[rank]))


def below(rng, limits):
    return tuple(rng.randrange(limit) for limit in limits)


def pads(rng, rank, low, high):
    return tuple((rng.randint(low, high), rng.randint(low, high)) for _ in range(rank))


def of_table(name, words, coarse):
    return problem_from_coarse(CONVENTIONS[name].read(words, coarse), coarse)


def aborts_xla(problem):
    """Whether XLA (jaxlib 0.10) might end the process with a failed check of its own, "Window dimensions do not match":
    it exchanges input and kernel where the kernel is the larger, and cannot where a stretched input has no padding."""
    bare = [a.crop == (a.reach - 1, a.reach - 1) and a.stride > 1 and a.kernel > 1 for a in problem.axes]
    return problem.rank > 1 and any(bare)


def skips_samples(problem):
    """Whether TensorFlow's conv3d starts 'SAME' too late: it shares out a negative padding where others have none."""
    return problem.rank == 3 and any(axis.hi < 0 for axis in problem.axes)


def of_keras(rng, rank, tensorflow=False):
    """Keras refuses stride with dilation. On TensorFlow's CPU kernels there is neither a dilation of a transposed
    convolution, nor a size that no convolution takes to the input: 'same' with an even reach and output_padding 0."""
    kernel, stride, dilation, sizes = geometry(rng, rank)
    if rng.random() < 0.3 and not tensorflow:
        stride = (1,) * rank
    else:
        dilation = (1,) * rank
    words = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation}
    if rng.random() < 0.25:
        words["padding"] = rng.choice(("valid", "same", "causal") if rank == 1 else ("valid", "same"))
        sizes = tuple(size + 4 for size in sizes)
        problem = keras.conv_problem(**words, groups=1, fine=sizes)
        return None if tensorflow and skips_samples(problem) else (words, problem, True)
    words["padding"] = rng.choice(("valid", "same"))
    words["output_padding"] = rng.choice((None, below(rng, stride)))
    problem = keras.transposed_problem(**words, groups=1, coarse=sizes)
    assert problem == of_table("keras", words, sizes)
    if tensorflow and any((fine - 1) // s + 1 != i for fine, s, i in zip(problem.fine, stride, sizes)
                          if words["padding"] == "same"):
        return None
    return words, problem, False


def of_tensorflow(rng, rank):
    """Its CPU kernels take no dilation in a transposed convolution; pairs exist in conv2d_transpose alone."""
    kernel, stride, _, sizes = geometry(rng, rank)
    padding = rng.choice(("SAME", "VALID", ((0, 0), *pads(rng, rank, 0, 2), (0, 0)) if rank == 2 else "SAME"))
    if rng.random() < 0.25:
        words = {"strides": stride, "padding": padding}
        sizes = tuple(size + 4 for size in sizes)
        problem = tensorflow.conv_problem(kernel_size=kernel, **words, dilations=1, groups=1, fine=sizes)
        return None if skips_samples(problem) else (words, problem, True)
    least = [(i - 1) * s + 1 for i, s in zip(sizes, stride)] if padding == "SAME" else [
        (i - 1) * s + k - (0 if padding == "VALID" else sum(padding[axis]))
        for axis, (i, s, k) in enumerate(zip(sizes, stride, kernel), 1)]
    fine = tuple(low + more for low, more in zip(least, below(rng, stride)))
    words = {"strides": stride, "padding": padding, "output_shape": fine}
    if min(fine) < 1:
        return None
    problem = tensorflow.transposed_problem(kernel_size=kernel, **words, dilations=1, groups=1, coarse=sizes)
    assert problem == of_table("tensorflow", {"kernel_size": kernel, **words}, sizes)
    return words, problem, False


def of_torch(rng, rank):
    kernel, stride, dilation, sizes = geometry(rng, rank)
    words = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "groups": rng.choice((1, 1, 2, 3))}
    if rng.random() < 0.25:
        names = ("valid", "same") if max(stride) == 1 else ("valid",)
        words["padding"] = rng.choice((*names, tuples(rng, rank, 0, 3)))
        return words, torch.conv_problem(**words, fine=tuple(size + 8 for size in sizes)), True
    words |= {"padding": tuples(rng, rank, 0, 3), "output_padding": below(rng, map(max, stride, dilation))}
    problem = torch.transposed_problem(**words, coarse=sizes)
    assert problem == of_table("torch", words, sizes)
    if rng.random() < 0.3:
        words["output_padding"] = (0,) * rank
        least = torch.transposed_problem(**words, coarse=sizes).fine
        wanted = tuple(size + more for size, more in zip(least, below(rng, stride)))
        extra = {"output_size": wanted}
        return words, torch.transposed_problem(**words, coarse=sizes, **extra), False, extra
    return words, problem, False


def of_jax(rng, rank):
    kernel, stride, dilation, sizes = geometry(rng, rank)
    words = {"strides": stride, "rhs_dilation": dilation}
    if rng.random() < 0.25:
        words["padding"] = rng.choice(("SAME", "VALID", "SAME_LOWER", pads(rng, rank, -1, 3)))
        groups = rng.choice((1, 2, 3))
        fine = tuple(size + 8 for size in sizes)
        return words, jax.conv_problem(kernel_size=kernel, **words, groups=groups, fine=fine), True
    words |= {"padding": rng.choice(("SAME", "VALID", pads(rng, rank, -2, 5))),
              "use_consistent_padding": rng.random() < 0.5}
    problem = jax.transposed_problem(kernel_size=kernel, **words, output_padding=0, groups=1, coarse=sizes)
    words["transpose_kernel"] = rng.random() < 0.5
    assert problem == of_table("jax", {"kernel_size": kernel, **words}, sizes)
    return words, problem, False


def of_flax(rng, rank):
    kernel, stride, dilation, sizes = geometry(rng, rank)
    padding = rng.choice(("SAME", "VALID", rng.randint(0, 4), pads(rng, rank, -1, 5)))
    words = {"kernel_size": kernel, "strides": stride, "kernel_dilation": dilation, "padding": padding,
             "transpose_kernel": rng.random() < 0.5}
    return words, of_table("flax", words, sizes), False


def of_equinox(rng, rank):
    kernel, stride, dilation, sizes = geometry(rng, rank)
    padding = rng.choice(("SAME", "SAME_LOWER", "VALID", rng.randint(0, 2), pads(rng, rank, -2, 3)))
    words = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": padding,
             "output_padding": below(rng, stride), "groups": rng.choice((1, 1, 2, 3))}
    return words, of_table("equinox", words, sizes), False


def of_onnx(rng, rank):
    """ONNX Runtime refuses an output_padding that reaches the stride, where the standard lets a dilation allow it; and
    with 'SAME_*' it does not add what a kernel shorter than the stride leaves missing, where the standard does."""
    kernel, stride, dilation, sizes = geometry(rng, rank)
    words = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "group": rng.choice((1, 1, 2, 3)),
             "output_padding": below(rng, stride)}
    words |= rng.choice(({"pads": tuples(rng, 2 * rank, 0, 3)}, {"auto_pad": "VALID"}, {"auto_pad": "SAME_UPPER"},
                         {"auto_pad": "SAME_LOWER"}))
    if rng.random() < 0.3:
        full = of_table("onnx", words | {"pads": None, "auto_pad": "NOTSET"}, sizes).fine
        words |= {"output_shape": tuple(max(size - rng.randint(0, 5), 1) for size in full),
                  "auto_pad": rng.choice(("NOTSET", "SAME_UPPER", "SAME_LOWER")), "pads": None}
    elif words.get("auto_pad", "VALID") != "VALID":
        reached = zip(kernel, dilation, words["output_padding"], stride)
        if any((k - 1) * d + 1 + more < s for k, d, more, s in reached):
            return None
    return words, of_table("onnx", words, sizes), False


def of_openvino(rng, rank):
    kernel, stride, dilation, sizes = geometry(rng, rank)
    words = {"kernel_size": kernel, "strides": stride, "dilations": dilation, "groups": rng.choice((1, 1, 2)),
             "output_padding": below(rng, stride), "pads_begin": tuples(rng, rank, 0, 3),
             "pads_end": tuples(rng, rank, 0, 3), "auto_pad": "explicit"}
    if rng.random() < 0.4:
        full = of_table("openvino", words | {"pads_begin": None, "pads_end": None}, sizes).fine
        words |= {"output_shape": tuple(max(size - rng.randint(0, 5), 1) for size in full),
                  "auto_pad": rng.choice(("same_upper", "same_lower"))}
    elif rng.random() < 0.3:
        words["auto_pad"] = rng.choice(("same_upper", "same_lower", "valid"))
    return words, of_table("openvino", words, sizes), False


ON_XLA = (of_keras, of_jax, of_flax, of_equinox)
