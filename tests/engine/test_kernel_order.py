"""Kernels in PyTorch's order in memory, which few coarse cells meet as one product over all taps."""

import numpy as np
import pytest

from tconv import engine, methods
from tconv.geometry import Problem
from tests.engine.test_engine import arrays

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")

# Coarse cells up to half as many as coarse channels, and some more; channels and taps that fill vectors, and not.
FEW = [
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (4, 4), (8, 8)), 64, 48, 2),
    (Problem((4, 4), (2, 2), (1, 1), (1, 1), (4, 4), (8, 8)), 63, 48, 2),
    (Problem((4, 4), (1, 1), (1, 1), (0, 0), (1, 1), (4, 4)), 100, 200, 1),
    (Problem((3, 3), (1, 1), (1, 1), (1, 1), (3, 3), (3, 3)), 70, 65, 3),
    (Problem((5, 5), (2, 2), (1, 1), (1, 2), (4, 3), (8, 6)), 50, 130, 2),
    (Problem((2, 3, 4), (2, 1, 2), (1, 2, 1), (1, -2, 1), (2, 2, 2), (2, 9, 4)), 33, 17, 2),
    (Problem((7,), (3,), (2,), (4,), (9,), (20,)), 20, 70, 1),
    (Problem((3, 3), (2, 2), (1, 1), (8, 8), (2, 2), (3, 3)), 40, 9, 1),
    (Problem((3,), (2,), (1,), (0,), (4,), (2,)), 40, 9, 1),
]


def in_pytorch_s_order(kernel):
    """The same kernel `(*K, D, C)`, in memory `(C, D, *K)`."""
    return np.moveaxis(np.moveaxis(kernel, (-1, -2), (0, 1)).copy(), (0, 1), (-1, -2))


def all_three(x, y, kernel, problem):
    """Both results and the kernel's gradient, which lies as PyTorch has it."""
    return (engine.conv_transpose(x, kernel, problem), engine.conv(y, kernel, problem),
            engine.kernel_gradient(y, x, problem, channels_first=True))


def on_threads(*counts, run):
    """What `run` gives on so many threads, one after the other."""
    try:
        return [(engine.set_threads(count), run())[1] for count in counts]
    finally:
        engine.set_threads(None)


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), FEW)
@pytest.mark.parametrize("activation", [None, "leaky_relu"])
def test_results_are_exact_with_a_finish_or_without(problem, ins, outs, batch, activation):
    x, y, w = arrays(problem, ins, outs, batch)
    b, c = np.arange(outs, dtype=np.float32), np.arange(ins, dtype=np.float32)
    kernel = in_pytorch_s_order(w)
    for got, sums, bias in (
        (engine.conv_transpose(x, kernel, problem, b, activation, 0.5), methods.columns(x, w, problem), b),
        (engine.conv(y, kernel, problem, c, activation, 0.5), methods.conv(y, w, problem), c),
    ):
        want = sums + bias
        assert np.array_equal(got, np.where(want < 0, want / 2, want) if activation else want)


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), FEW)
def test_gradients_are_exact_and_lie_as_they_should(problem, ins, outs, batch):
    x, y, _ = arrays(problem, ins, outs, batch)
    got = engine.kernel_gradient(y, x, problem, channels_first=True)
    assert np.array_equal(got, methods.kernel_gradient(y, x, problem))
    assert np.moveaxis(got, (-1, -2), (0, 1)).flags.c_contiguous


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), FEW)
def test_the_number_of_threads_changes_no_bit(problem, ins, outs, batch):
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(a.shape, np.float32) for a in arrays(problem, ins, outs, batch))
    first, *others = on_threads(1, 2, 5, run=lambda: all_three(x, y, in_pytorch_s_order(w), problem))
    for other in others:
        assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), FEW)
@pytest.mark.parametrize("spoilt", [np.inf, np.nan])
def test_what_is_not_finite_goes_where_the_definition_sends_it(problem, ins, outs, batch, spoilt):
    for which in range(3):
        given = arrays(problem, ins, outs, batch)
        given[which].flat[0] = spoilt
        x, y, w = given
        kernel = in_pytorch_s_order(w)
        with np.errstate(invalid="ignore"):
            cases = [(engine.conv_transpose(x, kernel, problem), methods.columns(x, w, problem))]
            if which != 2:  # a kernel's number meets the zeros around an array
                cases.append((engine.conv(y, kernel, problem), methods.conv(y, w, problem)))
            if which != 0:  # and so does a coarse one's
                cases.append((engine.kernel_gradient(y, x, problem, channels_first=True),
                              methods.kernel_gradient(y, x, problem)))
        for got, want in cases:
            assert np.array_equal(np.isfinite(got), np.isfinite(want))
            assert np.array_equal(got[np.isfinite(got)], want[np.isfinite(want)])


def test_a_part_of_a_larger_kernel_is_read_where_it_lies():
    problem, ins, outs, batch = FEW[0]
    x, y, w = arrays(problem, ins, outs, batch)
    larger = np.full((ins + 2, outs + 3, *problem.kernel), np.nan, np.float32)
    part = np.moveaxis(larger[1:-1, :outs], (0, 1), (-1, -2))
    part[...] = w
    assert np.array_equal(engine.conv_transpose(x, part, problem), methods.columns(x, w, problem))
    assert np.array_equal(engine.conv(y, part, problem), methods.conv(y, w, problem))
