"""Kernels that are laid out once: the same results as of live ones, for any number of sizes and of threads."""

import numpy as np
import pytest

from tconv import engine, methods
from tconv.geometry import Spec, problem_from_coarse
from tests.engine.test_engine import TABLE, arrays, at_once

pytestmark = pytest.mark.skipif(not engine.available(), reason="the portable package; build with a C++ compiler")


@pytest.mark.parametrize("tiles", [0, 2])
@pytest.mark.parametrize(("problem", "ins", "outs", "batch"), TABLE)
def test_a_packed_kernel_gives_what_the_live_one_gives(problem, ins, outs, batch, tiles):
    x, y, w = arrays(problem, ins, outs, batch)
    packed = engine.pack(np.moveaxis(np.moveaxis(w, (-1, -2), (0, 1)).copy(), (0, 1), (-1, -2)))
    want = methods.columns(x, w, problem), methods.conv(y, w, problem)
    engine._native.set_winograd(tiles)
    try:
        for _ in range(2):  # laid out, and as it was laid out
            assert np.array_equal(engine.conv_transpose(x, packed, problem), want[0])
            assert np.array_equal(engine.conv(y, packed, problem), want[1])
    finally:
        engine._native.set_winograd(0)


def test_it_is_a_copy_that_nobody_can_change():
    kernel = np.ones((2, 1, 1), np.float32)
    packed = engine.pack(kernel)
    kernel[:] = 7
    problem = problem_from_coarse(Spec.of((2,), stride=2), (3,))
    assert np.array_equal(engine.conv_transpose(np.ones((1, 3, 1), np.float32), packed, problem), np.ones((1, 6, 1)))
    with pytest.raises(ValueError, match="read-only"):
        packed.array[:] = 7


def test_more_sizes_than_are_kept_come_and_go():
    rng = np.random.default_rng(0)
    kernel = rng.integers(-3, 4, (4, 4, 9, 20)).astype(np.float32)
    packed = engine.pack(kernel)
    for size in (*range(1, 9), *range(1, 9)):
        problem = problem_from_coarse(Spec.of((4, 4), stride=2, crop=1), (size, size))
        x = rng.integers(-3, 4, (2, size, size, 20)).astype(np.float32)
        assert np.array_equal(engine.conv_transpose(x, packed, problem), engine.conv_transpose(x, kernel, problem))


def test_many_python_threads_may_share_one():
    problem, ins, outs, batch = TABLE[3]
    x, _, w = arrays(problem, ins, outs, batch)
    packed, want, wrong = engine.pack(w), methods.columns(x, w, problem), []

    def work():
        wrong.extend(1 for _ in range(20) if not np.array_equal(engine.conv_transpose(x, packed, problem), want))

    at_once(work)
    assert not wrong
